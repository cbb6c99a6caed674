/* An OpenAI-compatible engine that costs next to nothing: one thread, one epoll loop.
 *
 *     cc -O2 -o mock_engine mock_engine.c && ./mock_engine PORT
 *
 * A chat is answered with JSON, or with "max_tokens" chunks when the body has "stream":true: as fast as the
 * socket takes them, or R a second when the model's name or the user's text holds "paced-R". FastChat's worker
 * protocol is spoken, too. GET /count tells the requests and chunks so far.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 16384, MOST_FDS = 65536, SLOTS = 1024 };

typedef struct Client {
  int fd, is_fastchat, said, tokens, every_ms, is_writable, is_queued, is_gone;
  size_t got, left;
  char *rest; /* of a chunk that the socket did not take whole */
  struct Client *next;
  char request[REQUEST_BYTES + 1];
} Client;

static int loop;
static long requests, chunks;
static Client *slots[SLOTS]; /* paced streams by the millisecond in which they speak next */
static Client *eager, *gone; /* streams that speak at once; clients to be freed at the end of a turn */
static long num_paced;

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void watch(Client *client, int operation, int events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  epoll_ctl(loop, operation, client->fd, &event);
}

static void leave(Client *client) {
  if (client->is_gone) return;
  client->is_gone = 1;
  close(client->fd);
  if (!client->is_queued) client->next = gone, gone = client;
}

static int tell(Client *client, const char *text, size_t size) {
  ssize_t sent = send(client->fd, text, size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return leave(client), 0;
  if (sent < 0) sent = 0;
  if ((size_t)sent == size) return 1;
  client->left = size - sent;
  client->rest = memcpy(malloc(client->left), text + sent, client->left);
  client->is_writable = 0;
  watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  return 0;
}

static void answer(Client *client, const char *json) {
  char text[4096];
  int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                      "content-length: %zu\r\n\r\n%s", strlen(json), json);
  tell(client, text, size);
}

static int openai_chunk(Client *client, char *text) {
  const char *head = "data: {\"id\":\"chatcmpl-5d0f7b0a3c1e4b9f\",\"object\":\"chat.completion.chunk\","
                     "\"created\":1760000000,\"model\":\"fast\",\"choices\":[";
  int is_last = client->said == client->tokens;
  int size = sprintf(text, "%s{\"index\":0,\"delta\":{%s\"content\":\" token\"},\"logprobs\":null,"
                     "\"finish_reason\":%s}]}\n\n", head,
                     client->said == 1 ? "\"role\":\"assistant\"," : "", is_last ? "\"stop\"" : "null");
  if (is_last)
    size += sprintf(text + size, "%s],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":%d,"
                    "\"total_tokens\":%d}}\n\ndata: [DONE]\n\n", head, client->said, client->said + 50);
  return size;
}

static int fastchat_chunk(Client *client, char *text) { /* it repeats the whole answer in each chunk */
  int size = sprintf(text, "{\"text\": \"");
  for (int i = 0; i < client->said; i++) size += sprintf(text + size, " token");
  size += sprintf(text + size, "\", \"error_code\": 0, \"usage\": {\"prompt_tokens\": 50, \"completion_tokens\": "
                  "%d, \"total_tokens\": %d}, \"finish_reason\": %s}", client->said, client->said + 50,
                  client->said == client->tokens ? "\"stop\"" : "null");
  text[size] = 0;
  return size + 1;
}

static void speak(Client *client) { /* one chunk, and when the next is due */
  static char chunk[65536], framed[65600];
  client->said++, chunks++;
  int size = client->is_fastchat ? fastchat_chunk(client, chunk) : openai_chunk(client, chunk);
  int at = sprintf(framed, "%x\r\n", size);
  memcpy(framed + at, chunk, size);
  at += size;
  at += sprintf(framed + at, client->said == client->tokens ? "\r\n0\r\n\r\n" : "\r\n");
  tell(client, framed, at);
  if (client->is_gone || client->said == client->tokens) return;
  Client **line = &eager;
  if (client->every_ms) {
    long wait_ms = client->said == 1 ? 1 + rand() % client->every_ms : client->every_ms;
    line = &slots[(now_ms() + wait_ms) % SLOTS], num_paced++;
  }
  client->next = *line, *line = client, client->is_queued = 1;
}

static void number(const char *body, const char *name, int *value) {
  const char *found = strstr(body, name);
  if (found) *value = atoi(found + strlen(name) + strspn(found + strlen(name), "\": "));
}

static void serve(Client *client, const char *path, const char *body) {
  char json[512];
  int rate = 0;
  client->tokens = 16, client->said = 0;
  number(body, "max_tokens", &client->tokens);
  number(body, "max_new_tokens", &client->tokens);
  number(body, "paced-", &rate);
  client->every_ms = rate ? 1000 / rate : 0;
  client->is_fastchat = !strncmp(path, "/worker_generate_stream", 23);
  if (!strncmp(path, "/count ", 7)) {
    sprintf(json, "{\"requests\":%ld,\"chunks\":%ld}", requests, chunks);
    answer(client, json);
  } else if (client->is_fastchat || strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true")) {
    const char *head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    requests++;
    if (tell(client, head, strlen(head))) speak(client);
  } else if (strstr(path, "/completions")) {
    requests++;
    answer(client, "{\"id\":\"chatcmpl-5d0f7b0a3c1e4b9f\",\"object\":\"chat.completion\",\"created\":1760000000,"
           "\"model\":\"fast\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Cold "
           "water was found under the northern plain, at a depth that nobody had expected.\"},\"logprobs\":null,"
           "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":16,"
           "\"total_tokens\":66}}");
  } else if (!strncmp(path, "/worker_generate", 16)) {
    requests++;
    answer(client, "{\"text\": \"Cold water was found.\", \"error_code\": 0, \"usage\": {\"prompt_tokens\": 50, "
           "\"completion_tokens\": 16, \"total_tokens\": 66}, \"finish_reason\": \"stop\"}");
  } else if (!strncmp(path, "/worker_get_conv_template", 25)) {
    answer(client, "{\"conv\": {\"name\": \"one_shot\", \"system_template\": \"{system_message}\", "
           "\"system_message\": \"\", \"roles\": [\"Human\", \"Assistant\"], \"messages\": [], \"offset\": 0, "
           "\"sep_style\": 1, \"sep\": \"###\", \"sep2\": null, \"stop_str\": \"###\", "
           "\"stop_token_ids\": null}}");
  } else if (!strncmp(path, "/model_details", 14)) {
    answer(client, "{\"context_length\": 100000}");
  } else if (!strncmp(path, "/count_token", 12)) {
    answer(client, "{\"count\": 50, \"error_code\": 0}");
  } else if (strstr(path, "/models ")) {
    answer(client, "{\"object\":\"list\",\"data\":[{\"id\":\"fast\",\"object\":\"model\",\"created\":1,"
           "\"owned_by\":\"llamacpp\"}]}");
  } else if (!strncmp(path, "/props", 6)) { /* as llama.cpp tells its slots: without it polychat is careful */
    answer(client, "{\"default_generation_settings\":{\"n_ctx\":100000},\"total_slots\":20000}");
  } else if (!strncmp(path, "/slots", 6)) {
    answer(client, "[]");
  } else {
    answer(client, "{\"status\":\"ok\",\"model_names\":[\"fast\"],\"speed\":1,\"queue_length\":0,"
           "\"model_path\":\"fast\",\"served_model_name\":\"fast\",\"is_generation\":true}");
  }
}

static int take_one(Client *client) { /* whether a whole request had come */
  client->request[client->got] = 0;
  char *end = strstr(client->request, "\r\n\r\n");
  if (!end) return 0;
  size_t head = end + 4 - client->request, size = 0;
  *end = 0;
  char *length = strcasestr(client->request, "\ncontent-length:");
  int is_chunked = strcasestr(client->request, "\ntransfer-encoding: chunked") != NULL;
  *end = '\r';
  if (length) size = strtoul(length + 16, NULL, 10);
  if (is_chunked) {
    char *last = strstr(client->request + head, "0\r\n\r\n");
    if (!last) return 0;
    size = last + 5 - (client->request + head);
  }
  if (client->got < head + size) return 0;
  char kept = client->request[head + size], *path = strchr(client->request, ' ');
  client->request[head + size] = 0;
  if (path) serve(client, path + 1, client->request + head);
  client->request[head + size] = kept;
  client->got -= head + size;
  memmove(client->request, client->request + head + size, client->got);
  return !client->is_gone;
}

static void hear(Client *client, int events) {
  if (client->is_gone) return;
  if (events & EPOLLOUT && client->left) {
    ssize_t sent = send(client->fd, client->rest, client->left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return leave(client);
    if (sent > 0) memmove(client->rest, client->rest + sent, client->left -= sent);
    if (client->left) return;
    free(client->rest), client->rest = NULL, client->is_writable = 1;
    watch(client, EPOLL_CTL_MOD, EPOLLIN);
    if (client->tokens && !client->said) speak(client);
  }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t size = recv(client->fd, client->request + client->got, REQUEST_BYTES - client->got, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return leave(client);
  client->got += size;
  while (client->got && take_one(client)) continue;
}

static void speak_all(Client *line) {
  while (line) {
    Client *client = line;
    line = client->next, client->is_queued = 0;
    if (client->every_ms) num_paced--;
    if (client->is_gone) {
      client->next = gone, gone = client;
    } else if (client->is_writable) {
      speak(client);
    } else { /* its reader is slow: look again when all others have spoken */
      Client **later = client->every_ms ? &slots[(now_ms() + client->every_ms) % SLOTS] : &eager;
      if (client->every_ms) num_paced++;
      client->next = *later, *later = client, client->is_queued = 1;
    }
  }
}

static void greet(int listener) {
  int fd, yes = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    Client *client = calloc(1, sizeof *client);
    client->fd = fd, client->is_writable = 1;
    watch(client, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static int listening(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) perror("listen"), exit(1);
  return listener;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: mock_engine PORT\n"), 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  loop = epoll_create1(0);
  int listener = listening(atoi(argv[1]));
  struct epoll_event events[256], door = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &door);
  for (long spoken_ms = now_ms();;) {
    int count = epoll_wait(loop, events, 256, eager ? 0 : num_paced ? 1 : -1);
    if (!num_paced) spoken_ms = now_ms();
    for (int i = 0; i < count; i++)
      events[i].data.ptr ? hear(events[i].data.ptr, events[i].events) : greet(listener);
    for (long until_ms = now_ms(); spoken_ms < until_ms;) {
      Client *line = slots[++spoken_ms % SLOTS];
      slots[spoken_ms % SLOTS] = NULL;
      speak_all(line);
    }
    Client *line = eager;
    eager = NULL;
    speak_all(line);
    for (Client *client; (client = gone);) gone = client->next, free(client->rest), free(client);
  }
}
