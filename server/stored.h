// stored.h: answers of /v1/responses that are kept: made, continued, looked at, deleted.
#ifndef SERVER_STORED_H
#define SERVER_STORED_H

#include "service.h"

service stored_create, stored_retrieve, stored_delete, stored_input_items, stored_cancel;

#endif
