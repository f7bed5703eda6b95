// driver_json.h: requests and turn events to and from JSON, for dialect_driver.
#ifndef TESTS_SERVER_DRIVER_JSON_H
#define TESTS_SERVER_DRIVER_JSON_H

#include "server/dialect.h"

json_t *driver_request_json(const request *r);

// An event whose strings belong to the JSON and whose arrays are its own.
typedef struct driver_event {
    turn_event event;
    turn_token *tokens;
    gptoss_logprob *top;
    const char **warnings;
} driver_event;

bool driver_event_read(const json_t *json, driver_event *event_out);
void driver_event_clear(driver_event *event);

#endif
