#!/usr/bin/env bash
# Installs into a fresh folder and builds examples/chat.c against that copy alone, three ways. If
# this fails, a program that embeds the library can't be built, or can't find it.
# usage: test_install.sh BUILD SOURCE CC
set -euo pipefail
build=$1 source=$2 cc=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix

cmake --install "$build" --prefix "$prefix" >"$folder/log" || { cat "$folder/log"; exit 1; }
pc=$(find "$prefix" -name gptoss.pc)
# The prefix that was configured is not this one: --define-prefix takes it from the file's place.
flags() { PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-prefix "$@" gptoss; }
library=$(flags --variable=libdir)
test -x "$prefix/bin/gptoss"
test -f "$library/libgptoss.a"

strict="-Wall -Wextra -Wpedantic -Werror"
# shellcheck disable=SC2046,SC2086
"$cc" -std=c17 $strict "$source/examples/chat.c" -o "$folder/chat" $(flags --cflags --libs)
# shellcheck disable=SC2046,SC2086
"$cc" -std=c17 $strict "$source/examples/chat.c" -o "$folder/chat_static" \
    "$library/libgptoss.a" $(flags --cflags) -lpcre2-8 -ljansson -lpthread -lm

# The header on its own, first of all, in C and in C++.
printf '#include <gptoss/gptoss.h>\nint main(void) { return 0; }\n' >"$folder/header.c"
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict -fsyntax-only "$folder/header.c" $(flags --cflags)
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046,SC2086
    c++ -x c++ -std=c++17 $strict -fsyntax-only "$folder/header.c" $(flags --cflags)
fi

mkdir "$folder/user"
cat >"$folder/user/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.22)
project(user C)
find_package(gptoss 0.1 REQUIRED)
add_executable(user $source/examples/chat.c)
target_link_libraries(user PRIVATE gptoss::gptoss)
TEXT
cmake -S "$folder/user" -B "$folder/user/build" -DCMAKE_PREFIX_PATH="$prefix" >"$folder/log" &&
    cmake --build "$folder/user/build" >>"$folder/log" || { cat "$folder/log"; exit 1; }

# Both answer, with the model that is built in.
for program in "$folder/chat" "$folder/chat_static" "$folder/user/build/user"; do
    answer=$(echo "What is 3 + 4?" | LD_LIBRARY_PATH=$library timeout 60 "$program" 2>"$folder/log") || {
        echo "$program ends with status $?: $answer"
        cat "$folder/log"
        exit 1
    }
    if [ -z "$answer" ]; then
        echo "$program says nothing"
        cat "$folder/log"
        exit 1
    fi
done
