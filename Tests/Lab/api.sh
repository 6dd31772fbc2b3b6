# The API stand-in (product lab-api of the package in this folder): `lab-api --state $LAB_DIR` serves the Kubernetes API for
# what lab.json says; it is ready when it has written kubeconfig. LAB_API names another program, or none if empty.

LAB_API=${LAB_API-$LAB_SOURCE/.build/release/lab-api}

api_running() { recorded_pid "$LAB_DIR/nodes/api.pid" >/dev/null; }

start_api() {
  local pid attempt
  if api_running; then
    recorded_pid "$LAB_DIR/nodes/relay.pid" >/dev/null || start_relay
    return 0
  fi
  [[ $LAB_API ]] || return 0
  if [[ ! -x $LAB_API ]]; then
    say "lab: up, but without an API: $LAB_API is not there (lab build makes it)"
    return 0
  fi
  rm -f "$LAB_DIR/kubeconfig" "$LAB_DIR/api.pid"
  (
    # In the lab's cgroup, it is found and ended even if its record is lost.
    echo "$BASHPID" >"$(tracking_hierarchy)/$LAB_CGROUP/net/cgroup.procs"
    exec setsid "$LAB_API" --state "$LAB_DIR" </dev/null >"$LAB_DIR/api.log" 2>&1 9>&-
  ) &
  pid=$!
  record "$LAB_DIR/nodes/api.pid" "$pid" || true
  for ((attempt = 0; attempt < 200; attempt++)); do
    [[ ! -s $LAB_DIR/kubeconfig ]] || break
    api_running || [[ -s $LAB_DIR/api.pid ]] || break
    sleep 0.1
  done
  [[ -s $LAB_DIR/kubeconfig ]] || die "lab-api does not start: $(tail -n 3 "$LAB_DIR/api.log")"
  # It may have gone on in a process of its own.
  pid=$(<"$LAB_DIR/api.pid") && record "$LAB_DIR/nodes/api.pid" "${pid%% *}"
  start_relay
}

# The API listens on the machine's loopback, which the laptop's network does not have; a relay brings it there, under the same
# address, so that one kubeconfig serves both.
start_relay() {
  local port
  port=$(sed -n 's,.*server"\? *: *"\?https\?://127\.0\.0\.1:\([0-9]*\).*,\1,p' "$LAB_DIR/kubeconfig" | head -n 1)
  [[ $port ]] || return 0
  end_recorded "$LAB_DIR/nodes/relay.pid" KILL 50
  (
    echo "$BASHPID" >"$(tracking_hierarchy)/$LAB_CGROUP/net/cgroup.procs"
    exec setsid "$LAB_DIR/bin/relay" "/proc/$(node_pid laptop)/ns/net" "$port" </dev/null >/dev/null 2>>"$LAB_DIR/api.log" 9>&-
  ) &
  record "$LAB_DIR/nodes/relay.pid" $!
}

# Has the running stand-in carry out a request; says what it answers. Without one, nothing happens.
tell_api() { ! api_running || "$LAB_API" "$@" --state "$LAB_DIR"; }

ask_api() {
  api_running || die "no API is running (lab up)"
  tell_api "$@"
}

print_environment() {
  [[ -s $LAB_DIR/kubeconfig ]] || die "no API is running (lab up)"
  printf 'export KUBECONFIG=%q\n' "$LAB_DIR/kubeconfig"
  [[ $LAB_DIR == /run/poddump-lab ]] || printf 'export PODDUMP_LAB=%q\n' "$LAB_DIR"
}
