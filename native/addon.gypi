# The addon as node-gyp builds it. Whoever includes this says where the repository is: `root`.
{
  'targets': [
    {
      'target_name': 'stridenet',
      'sources': [
        '<!@(node -p "const {core, addon} = JSON.parse(fs.readFileSync(\'<(root)/native/sources.json\', \'utf8\')); [...core, ...addon].map((file) => \'<(root)/\' + file).join(\' \')")',
      ],
      'include_dirs': ['<(root)/native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_CPP_EXCEPTIONS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags!': ['-fno-exceptions', '-O2', '-Os'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20', '-O2', '-Os'],
      'cflags_cc': [
        '-std=c++20',
        '-O3',
        '-ffp-contract=off',
        '-fvisibility=hidden',
        '-fvisibility-inlines-hidden',
        '-Wall',
        '-Wextra',
      ],
      'conditions': [
        ['OS=="linux"', {
          'ldflags': ['-static-libstdc++', '-static-libgcc', '-Wl,--exclude-libs,ALL'],
        }],
        ['OS=="mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
            'CLANG_CXX_LIBRARY': 'libc++',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
            'GCC_OPTIMIZATION_LEVEL': '3',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '11.0',
            'OTHER_CPLUSPLUSFLAGS': ['-ffp-contract=off'],
          },
        }],
        ['OS=="win"', {
          'msvs_settings': {
            'VCCLCompilerTool': {
              'ExceptionHandling': 1,
              'AdditionalOptions': ['/std:c++20', '/O2', '/fp:precise'],
            },
          },
        }],
      ],
    },
  ],
}
