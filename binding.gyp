{
  'targets': [
    {
      'target_name': 'emucxl',
      'sources': [
        'native/addon.cc',
        'native/binding/arguments.cc',
        'native/binding/balance.cc',
        'native/binding/buffers.cc',
        'native/binding/data_calls.cc',
        'native/binding/data_jobs.cc',
        'native/binding/environment.cc',
        'native/binding/job.cc',
        'native/binding/measure_calls.cc',
        'native/binding/memory_calls.cc',
        'native/binding/memory_jobs.cc',
        'native/binding/operands.cc',
        'native/binding/query_calls.cc',
        'native/binding/wanted.cc',
        'native/core/backend_device.cc',
        'native/core/backend_emulated.cc',
        'native/core/backend_numa.cc',
        'native/core/context.cc',
        'native/core/libnuma.cc',
        'native/core/lifecycle.cc',
        'native/core/node_memory.cc',
        'native/core/pages.cc',
        'native/core/region.cc',
      ],
      'defines': ['NAPI_VERSION=9'],
      'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
      'cflags_cc': ['-std=c++17', '-fno-exceptions', '-fno-rtti'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'ldflags': ['-Wl,-z,nodelete'],
      'libraries': ['-ldl'],
      'conditions': [
        # CI turns warnings into errors: EMUCXL_WERROR=1.
        ['"<!(echo $EMUCXL_WERROR)"=="1"', { 'cflags': ['-Werror'] }],
        # npm run prebuild: a binary for older systems than the one that builds it.
        ['"<!(echo $EMUCXL_PREBUILT)"=="1"', { 'sources': ['native/prebuilt/older_libraries.cc'] }],
      ],
    },
  ],
}
