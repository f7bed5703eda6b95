// page.h: the page at / and its files (web/), linked into the program.
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "service.h"

// Answers the paths of the page's files, and no others.
service page_answer;

#endif
