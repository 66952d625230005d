# The addon, where Node's headers are given: by cmake-js (CMAKE_JS_INC, _LIB, _SRC), or by
# STRIDENET_NODE_HEADERS, the folder of node_api.h, with the import library STRIDENET_NODE_LIBRARY on
# Windows (see .ci/prebuild).
if(NOT CMAKE_JS_VERSION AND NOT STRIDENET_NODE_HEADERS)
  return()
endif()

execute_process(
  COMMAND node -p "require('node-addon-api').include"
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
  OUTPUT_VARIABLE NODE_ADDON_API
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\"" "" NODE_ADDON_API ${NODE_ADDON_API})
set(kind MODULE)
if(APPLE)
  # A module would be a bundle of macOS, which Zig does not link.
  set(kind SHARED)
endif()
add_library(stridenet ${kind} ${ADDON_SOURCES} ${CMAKE_JS_SRC})
set_target_properties(stridenet PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(stridenet SYSTEM PRIVATE ${CMAKE_JS_INC} ${STRIDENET_NODE_HEADERS}
                                                    ${NODE_ADDON_API})
target_compile_definitions(stridenet PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS
                                             NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(stridenet PRIVATE stridenet_core ${CMAKE_JS_LIB} ${STRIDENET_NODE_LIBRARY})
if(APPLE)
  # Node's functions are found in the process.
  target_link_options(stridenet PRIVATE -undefined dynamic_lookup)
elseif(UNIX AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(stridenet PRIVATE -static-libstdc++ -static-libgcc)
endif()

# What is published: stripped, without the folder it was built in, and with no symbol but Node's
# entry points, so that two C++ libraries in one process never meet.
if(STRIDENET_NODE_HEADERS)
  target_link_options(stridenet PRIVATE -s)
  foreach(target stridenet stridenet_core)
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections
                                             -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
  endforeach()
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(exports ${CMAKE_CURRENT_LIST_DIR}/exports.map)
    target_link_options(stridenet PRIVATE -Wl,--gc-sections -Wl,--version-script=${exports})
    set_target_properties(stridenet PROPERTIES LINK_DEPENDS ${exports})
  endif()
endif()
