# Toolchain: Zig's Clang, which holds the headers and libraries of every target of the prebuilds.
# STRIDENET_ZIG is the program, STRIDENET_ZIG_TARGET what its -target takes, as
# x86_64-linux-gnu.2.28 (the lowest glibc), and STRIDENET_SYSTEM CMake's name of the system.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES STRIDENET_ZIG STRIDENET_ZIG_TARGET STRIDENET_SYSTEM)
set(CMAKE_SYSTEM_NAME ${STRIDENET_SYSTEM})
string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR ${STRIDENET_ZIG_TARGET})
set(CMAKE_CXX_COMPILER ${STRIDENET_ZIG} c++ -target ${STRIDENET_ZIG_TARGET})
# Zig adds debugging information by default, which takes long to make and is stripped.
set(CMAKE_CXX_FLAGS_INIT -g0)
# Zig's archiver is a word of its one program, which CMAKE_AR cannot say.
set(CMAKE_CXX_ARCHIVE_CREATE "\"${STRIDENET_ZIG}\" ar qc <TARGET> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "\"${STRIDENET_ZIG}\" ar q <TARGET> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_FINISH "\"${STRIDENET_ZIG}\" ranlib <TARGET>")
# Linking programs, CMake's trials would have Zig build the target's C++ library for each kind of them.
set(CMAKE_CXX_COMPILER_ID_FLAGS_ALWAYS -c)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# Asked for by CMake's modules of these systems, and not used.
set(CMAKE_INSTALL_NAME_TOOL ${STRIDENET_ZIG})
set(CMAKE_RC_COMPILER ${STRIDENET_ZIG})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
