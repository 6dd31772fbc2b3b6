# The API stand-in (product lab-api of the package in this folder): `lab-api --state $LAB_DIR` serves the Kubernetes API for
# what lab.json says; it is ready when it has written kubeconfig.

api_program() {
  local program
  for program in ${LAB_API:+"$LAB_API"} "$LAB_SOURCE/.build/release/lab-api"; do
    [[ ! -x $program ]] || { echo "$program"; return; }
  done
  return 1
}

api_running() { recorded_pid "$LAB_DIR/nodes/api.pid" >/dev/null; }

start_api() {
  local program pid attempt
  ! api_running || return 0
  program=$(api_program) || { say "lab: up, without an API: there is no lab-api yet (lab build)"; return 0; }
  rm -f "$LAB_DIR/kubeconfig" "$LAB_DIR/api.pid"
  (
    # In the lab's cgroup, it is found and ended even if its record is lost.
    echo "$BASHPID" >"$(tracking_hierarchy)/$LAB_CGROUP/net/cgroup.procs"
    exec setsid "$program" --state "$LAB_DIR" </dev/null >"$LAB_DIR/api.log" 2>&1 9>&-
  ) &
  pid=$!
  record "$LAB_DIR/nodes/api.pid" "$pid"
  for ((attempt = 0; attempt < 200; attempt++)); do
    [[ ! -s $LAB_DIR/kubeconfig ]] || break
    sleep 0.1
  done
  [[ -s $LAB_DIR/kubeconfig ]] || die "lab-api does not start: $(tail -n 3 "$LAB_DIR/api.log")"
  # It may have gone on in a process of its own.
  pid=$(<"$LAB_DIR/api.pid") && record "$LAB_DIR/nodes/api.pid" "${pid%% *}"
}

print_environment() {
  [[ -s $LAB_DIR/kubeconfig ]] || die "no API is running (lab up)"
  printf 'export KUBECONFIG=%q\n' "$LAB_DIR/kubeconfig"
  [[ $LAB_DIR == /run/poddump-lab ]] || printf 'export PODDUMP_LAB=%q\n' "$LAB_DIR"
}
