# What `cmake --install` leaves, beside the program (cli/CMakeLists.txt): libraries, header, pkg-config
# file and CMake package. The libraries are the targets gptoss_shared and gptoss_static of src/api.

if(TARGET gptoss_shared)
  include(CMakePackageConfigHelpers)
  install(TARGETS gptoss_shared gptoss_static
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/gptoss DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/gptoss.pc.in gptoss.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gptoss.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/gptoss-config.cmake.in
                                gptoss-config.cmake
                                INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gptoss
                                PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
  write_basic_package_version_file(gptoss-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gptoss-config.cmake
                ${CMAKE_CURRENT_BINARY_DIR}/gptoss-config-version.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gptoss)
  install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
