// SPDX-License-Identifier: BSD-2-Clause
/* Module of litex_sim: the simulated UART as a pseudo-terminal of the host.
 *
 * The terminal's path is written to the file "serial_port" in the working directory. Nothing is lost in either direction: simulated time
 * stands still while no one reads the terminal, and input is taken only when the UART has had what was taken before. When the firmware
 * says by ENQ that it waits for a line, simulated time stands still until the line is there: so a host that speaks
 * only then changes no cycle count, however slow it is. What was sent before the first ENQ was for the BIOS: a serial boot, say. Ends the
 * simulation when the process that started it is gone. */

#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "error.h"
#include "modules.h"

#define ENQ 5

struct uart_s {
  char *tx, *tx_valid, *tx_ready;
  char *rx, *rx_valid, *rx_ready;
  char *sys_clk;
  int master, slave;
  pid_t parent;
  char in[1024];
  int in_start, in_end;
  int lines_ahead; /* lines that the firmware has got without asking */
  int asked;       /* whether it has ever asked */
  struct event *readable;
};

static struct event_base *base;

static int serial2pty_start(void *b)
{
  base = (struct event_base *)b;
  return RC_OK;
}

/* Wait until the terminal can do what `events` say. */
static void wait_terminal(struct uart_s *s, short events)
{
  struct pollfd terminal = {s->master, events, 0};
  while (poll(&terminal, 1, 1000) < 1)
    if (getppid() != s->parent)
      exit(1);
}

static void take_input(int fd, short event, void *arg)
{
  struct uart_s *s = arg;
  if (s->in_start == s->in_end) {
    ssize_t length = read(fd, s->in, sizeof(s->in));
    s->in_start = 0;
    s->in_end = length > 0 ? length : 0;
  }
}

/* Take input until a whole line is there. */
static void wait_line(struct uart_s *s)
{
  memmove(s->in, s->in + s->in_start, s->in_end - s->in_start);
  s->in_end -= s->in_start;
  s->in_start = 0;
  while (!memchr(s->in, '\n', s->in_end) && s->in_end < (int)sizeof(s->in)) {
    wait_terminal(s, POLLIN);
    ssize_t length = read(s->master, s->in + s->in_end, sizeof(s->in) - s->in_end);
    if (length > 0)
      s->in_end += length;
  }
}

static void take_enq(struct uart_s *s)
{
  if (!s->asked)
    s->lines_ahead = 0;
  s->asked = 1;
  if (--s->lines_ahead < 0)
    wait_line(s);
}

static int open_terminal(struct uart_s *s)
{
  struct termios raw;
  FILE *file;

  s->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (s->master < 0 || grantpt(s->master) || unlockpt(s->master))
    return RC_ERROR;
  /* Held open, so that a client may come and go. */
  s->slave = open(ptsname(s->master), O_RDWR | O_NOCTTY);
  if (s->slave < 0 || tcgetattr(s->slave, &raw))
    return RC_ERROR;
  cfmakeraw(&raw);
  if (tcsetattr(s->slave, TCSANOW, &raw))
    return RC_ERROR;
  file = fopen("serial_port.new", "w");
  if (!file)
    return RC_ERROR;
  fprintf(file, "%s\n", ptsname(s->master));
  fclose(file);
  return rename("serial_port.new", "serial_port") ? RC_ERROR : RC_OK;
}

static int serial2pty_new(void **uart, char *args)
{
  struct uart_s *s = calloc(1, sizeof(*s));
  if (!s)
    return RC_NOENMEM;
  if (open_terminal(s) != RC_OK) {
    fprintf(stderr, "[serial2pty] no pseudo-terminal: %s\n", strerror(errno));
    return RC_ERROR;
  }
  s->parent = getppid();
  s->readable = event_new(base, s->master, EV_READ | EV_PERSIST, take_input, s);
  event_add(s->readable, NULL);
  *uart = s;
  return RC_OK;
}

static int serial2pty_add_pads(void *uart, struct pad_list_s *list)
{
  struct uart_s *s = uart;
  struct pad_s *pad;
  const struct { const char *name; char **signal; } wanted[] = {
    {"sink_data", &s->rx}, {"sink_valid", &s->rx_valid}, {"sink_ready", &s->rx_ready},
    {"source_data", &s->tx}, {"source_valid", &s->tx_valid}, {"source_ready", &s->tx_ready}, {"sys_clk", &s->sys_clk},
  };
  for (pad = list->pads; pad->name; pad++)
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
      if (!strcmp(pad->name, wanted[i].name))
        *wanted[i].signal = (char *)pad->signal;
  return RC_OK;
}

static void put_out(struct uart_s *s, char c)
{
  while (write(s->master, &c, 1) != 1)
    wait_terminal(s, POLLOUT);
}

static int serial2pty_tick(void *uart, uint64_t time_ps)
{
  static clk_edge_state_t edge;
  struct uart_s *s = uart;

  if (!clk_pos_edge(&edge, *s->sys_clk))
    return RC_OK;
  *s->tx_ready = 1;
  if (*s->tx_valid) {
    put_out(s, *s->tx);
    if (*s->tx == ENQ)
      take_enq(s);
  }
  *s->rx_valid = 0;
  if (*s->rx_ready && s->in_start < s->in_end) {
    *s->rx = s->in[s->in_start++];
    s->lines_ahead += *s->rx == '\n';
    *s->rx_valid = 1;
  }
  return RC_OK;
}

static struct ext_module_s module = {
  "serial2pty", serial2pty_start, serial2pty_new, serial2pty_add_pads, NULL, serial2pty_tick
};

int litex_sim_ext_module_init(int (*register_module)(struct ext_module_s *))
{
  return register_module(&module);
}
