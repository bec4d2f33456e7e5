// Makes globalThis.gc. The flag on the command line would do it, too, but a V8 with other flags refuses
// the compiled code of Node.js's own modules: every thread would compile them anew, and take twice as
// long to start.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// Another thread may take the flag back at any moment.
while (globalThis.gc === undefined) {
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
}
