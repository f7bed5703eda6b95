# How a folder becomes a module and how a test is made: two functions that every CMakeLists.txt uses.

get_filename_component(gptoss_root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON) # GNU: attributes and intrinsics in kernels
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3") # assertions stay on

option(GPTOSS_WERROR "Treat warnings as errors" ON)
option(GPTOSS_FUZZ "Build libFuzzer targets (needs clang)" OFF)
set(GPTOSS_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith)
# Every sum has one order and one rounding (DESIGN: numerics): the compiler may not fuse or reorder.
add_compile_options(-ffp-contract=off -fno-math-errno -fno-trapping-math)
if(GPTOSS_WERROR)
  add_compile_options(-Werror)
endif()
if(GPTOSS_SANITIZE)
  add_compile_options(-fsanitize=${GPTOSS_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GPTOSS_SANITIZE})
endif()
if(GPTOSS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# gptoss_module(NAME SOURCES ... [DEPENDS module ...] [LIBRARIES target ...])
# A static library gptoss_NAME of one folder. DEPENDS names the modules below it.
function(gptoss_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(gptoss_${name} STATIC ${arg_SOURCES})
  target_include_directories(gptoss_${name} PUBLIC ${gptoss_root}/src ${gptoss_root}/include)
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(gptoss_${name} PUBLIC gptoss_${dependency})
  endforeach()
  target_link_libraries(gptoss_${name} PUBLIC ${arg_LIBRARIES} m)
  set_property(GLOBAL APPEND PROPERTY GPTOSS_MODULES gptoss_${name})
endfunction()

# gptoss_test(NAME SOURCES ... [DEPENDS module ...] [ARGS ...])
# A C program that exits 0 when it passes, run by ctest as NAME, with the label "c": those tests
# run under the sanitizers too.
function(gptoss_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;ARGS" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  target_include_directories(test_${name} PRIVATE ${gptoss_root}/src ${gptoss_root}/tests)
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(test_${name} PRIVATE gptoss_${dependency})
  endforeach()
  add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS c)
  set_property(GLOBAL APPEND PROPERTY GPTOSS_TESTS test_${name})
endfunction()
