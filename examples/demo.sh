#!/bin/sh
# What ./dev demo shows: an answer with its reasoning, then a question that takes a tool.
# usage: demo.sh PROGRAM
program=${1:-gptoss}
here=$(dirname "$0")

ask() {
    printf '\n$ gptoss run'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$program" run "$@"
}

cd "$here/.." || exit 1
ask --effort high --temperature 0 'What is 27 + 58?' &&
    ask --effort low --temperature 0 --tools examples/demo_tools.json --tool-command examples/demo_tool.sh \
        'What time is it in Tokyo?'
