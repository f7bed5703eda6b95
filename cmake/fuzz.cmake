# tests/MODULE/fuzz_NAME.c is a libFuzzer target (LLVMFuzzerTestOneInput) of one parser, linked with
# gptoss_MODULE. With GPTOSS_FUZZ it becomes build-fuzz/fuzz/fuzz_NAME; in every other build a ctest
# that replays seeded mutations of tests/MODULE/corpus_NAME/* (or of nothing) through it.

file(GLOB fuzz_sources RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/tests/*/fuzz_*.c)
foreach(source ${fuzz_sources})
  get_filename_component(target ${source} NAME_WE)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(module ${folder} NAME)
  if(NOT TARGET gptoss_${module} OR module STREQUAL "support")
    continue()
  endif()
  if(TARGET ${target}) # its folder's CMakeLists.txt makes it
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    continue()
  endif()
  string(REPLACE fuzz_ corpus_ corpus ${target})
  set(corpus ${PROJECT_SOURCE_DIR}/${folder}/${corpus})
  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
  target_link_libraries(${target} PRIVATE gptoss_${module})
  if(GPTOSS_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  else()
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/fuzz_replay.c)
    add_test(NAME ${target} COMMAND ${target} 20000 ${corpus})
    set_tests_properties(${target} PROPERTIES TIMEOUT 300 LABELS "c;fuzz")
  endif()
endforeach()
