#ifndef PODDUMP_CSSH2_H
#define PODDUMP_CSSH2_H

#include <libssh2.h>

/// Sets the three callbacks that the engine uses; 1.11.1 deprecates the setter that 1.10 has.
static inline void poddump_ssh2_set_callbacks(
    LIBSSH2_SESSION *session,
    ssize_t (*send_bytes)(libssh2_socket_t, const void *, size_t, int, void **),
    ssize_t (*receive_bytes)(libssh2_socket_t, void *, size_t, int, void **),
    void (*disconnected)(LIBSSH2_SESSION *, int, const char *, int, const char *, int, void **)) {
#if LIBSSH2_VERSION_NUM >= 0x010b01
  libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_SEND, (libssh2_cb_generic *)send_bytes);
  libssh2_session_callback_set2(
      session, LIBSSH2_CALLBACK_RECV, (libssh2_cb_generic *)receive_bytes);
  libssh2_session_callback_set2(
      session, LIBSSH2_CALLBACK_DISCONNECT, (libssh2_cb_generic *)disconnected);
#else
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send_bytes);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive_bytes);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_DISCONNECT, (void *)disconnected);
#endif
}

#endif
