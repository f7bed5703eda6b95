// service.h: what is answered without a turn: models, health, tokens.
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include "routes.h"

typedef void service(server *server, const http_request *request, http_reply *reply);

service service_health, service_ready, service_metrics, service_models, service_model,
    service_embeddings, service_tokenize, service_detokenize, service_template;

#endif
