# Starts and ends servers for the scripts beside this one, which source it.
#
# start_server BIN STORE [FLAG...]  with STORE embedded, memory or etcd; sets SERVER_PID, SERVER_URL, DATA (its
#                                   directory, kept over restarts within a script) and KUBECONFIG when it makes one
# end_server SIGNAL                 sends the signal and waits; sets SERVER_STATUS to the exit code
# Everything still running ends with the script, and its files go.

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=$(mktemp -d)
SERVER_PID=
ETCD_PID=
trap 'end_all' EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A directory of its own and a port for the next server.
fresh_server() {
    DATA=$(mktemp -d "$WORK/data.XXXXXX")
    SERVER_PORT=$(free_port)
}

start_server() {
    local binary=$1 store=$2
    shift 2
    [ -n "${DATA:-}" ] || fresh_server
    local flags=("--data-dir=$DATA" "--secure-port=$SERVER_PORT")
    # No controller makes service accounts here, so pods come without, unless the script makes its own.
    [ -n "${SERVICE_ACCOUNTS:-}" ] || flags+=(--disable-admission-plugins=ServiceAccount)
    case $store in
    embedded) flags+=(--storage=embedded) ;;
    memory) flags+=(--storage=memory) ;;
    etcd)
        [ -n "$ETCD_PID" ] || start_etcd
        flags+=("--etcd-servers=$ETCD_URL" "--etcd-prefix=$DATA")
        ;;
    *) echo "no such store: $store" >&2 && exit 2 ;;
    esac
    SERVER_URL=https://127.0.0.1:$SERVER_PORT
    "$binary" serve "${flags[@]}" "$@" >"$DATA/stdout" 2>>"$DATA/stderr" &
    SERVER_PID=$!
    local tries
    for tries in $(seq 600); do
        if [ "$(curl -sk -o /dev/null -w '%{http_code}' "$SERVER_URL/readyz")" != 000 ] &&
            { [ ! -e "$DATA/admin.kubeconfig" ] || grep -q KUBECONFIG= "$DATA/stdout"; }; then
            break
        fi
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    if ! kill -0 "$SERVER_PID" 2>/dev/null; then
        echo "the server did not start:" >&2
        cat "$DATA/stderr" >&2
        exit 1
    fi
    if [ -e "$DATA/admin.kubeconfig" ]; then
        export KUBECONFIG=$DATA/admin.kubeconfig
    fi
}

end_server() {
    kill "-$1" "$SERVER_PID" 2>/dev/null || true
    SERVER_STATUS=0
    wait "$SERVER_PID" 2>/dev/null || SERVER_STATUS=$?
    SERVER_PID=
}

# Ends the script when the server has ended on its own.
server_is_up() {
    kill -0 "$SERVER_PID" 2>/dev/null && return
    SERVER_STATUS=0
    wait "$SERVER_PID" || SERVER_STATUS=$?
    echo "the server ended with code $SERVER_STATUS:" >&2
    tail -n 30 "$DATA/stderr" >&2
    exit 1
}

start_etcd() {
    local etcd port peer_port tries
    etcd=$("$SCRIPTS/install-etcd.sh")
    port=$(free_port)
    peer_port=$(free_port)
    ETCD_URL=http://127.0.0.1:$port
    "$etcd" --data-dir "$WORK/etcd" --log-level error --unsafe-no-fsync \
        --listen-client-urls "$ETCD_URL" --advertise-client-urls "$ETCD_URL" \
        --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
        --initial-cluster "default=http://127.0.0.1:$peer_port" >"$WORK/etcd.log" 2>&1 &
    ETCD_PID=$!
    for tries in $(seq 300); do
        if curl -sf -o /dev/null "$ETCD_URL/health"; then return; fi
        sleep 0.1
    done
    echo "etcd did not start:" >&2
    cat "$WORK/etcd.log" >&2
    exit 1
}

end_all() {
    local pid
    exec 2>/dev/null # the shell would tell of each that was killed
    for pid in $(jobs -p); do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$WORK"
}
