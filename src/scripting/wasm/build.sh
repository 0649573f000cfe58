#!/bin/sh
# Builds lua.wasm from the sources of Lua 5.1.5, lua.patch and the C files of this directory.
#
#   sh src/scripting/wasm/build.sh LUA_TARBALL
#
# LUA_TARBALL: lua-5.1.5.tar.gz of lua.org, or lua5.1_5.1.5.orig.tar.gz of Debian (the same
# file). Debian 12's clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32, and the package
# binaryen 132.0.0 of npm (BINARYEN: its directory) give the bytes of lua.wasm.sha256.
set -e
here=$(cd "$(dirname "$0")" && pwd)
tarball=$(realpath "$1")
binaryen=${BINARYEN:-$here/../../../node_modules/binaryen}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "2640fc56a795f29d28ef15e13c34a47e223960b0240e8cb0a82d9b0738695333  $tarball" | sha256sum -c -
tar xzf "$tarball"
patch -s -d lua-5.1.5 -p1 < "$here/lua.patch"
cp lua-5.1.5/src/*.[ch] "$here"/*.[ch] .
clang-14 --target=wasm32-wasi -O3 -ftls-model=local-exec -mbulk-memory -msign-ext \
  -mmutable-globals -w -c all.c -o all.o
clang-14 --target=wasm32-wasi -nostartfiles -O3 all.o -o linked.wasm \
  -Wl,--no-entry,--export-table,--export=__stack_pointer,--export=__wasm_call_ctors \
  -Wl,-z,stack-size=1048576,--max-memory=2147483648,--error-limit=0
# luaV_execute must have no frame on the C stack (see respite_Frame in respite.h).
node "$binaryen/bin/wasm-dis" linked.wasm -o linked.wat
if sed -n '/^ (func $luaV_execute /,/^ (func /p' linked.wat | grep -q 'global.set $__stack_pointer'; then
  echo 'luaV_execute has a frame on the C stack: keep what needs one out of it' >&2
  exit 1
fi
# luaV_execute keeps the protocol by hand; the others call nothing of a script's through pointers.
not=luaV_execute,luaD_throw,luaG_errormsg,GCTM,luaZ_fill,DumpFunction,writer,fwrite,fputs
not=$not,luaO_pushvfstring,lua_concat,vfprintf,printf_core,snprintf,__fwritex,__toread,__uflow,emptybuffer
node "$binaryen/bin/wasm-opt" linked.wasm --enable-bulk-memory --enable-sign-ext \
  --enable-mutable-globals --asyncify \
  --pass-arg=asyncify-imports@env.check,env.protect \
  --pass-arg=asyncify-removelist@"$not" ${EXTRA} \
  -O3 --strip-debug --strip-producers -o "${OUT:-$here/lua.wasm}"
(cd "$(dirname "${OUT:-$here/lua.wasm}")" && sha256sum lua.wasm) > "${OUT:-$here/lua.wasm}.sha256"
