// Checks of what this Node.js makes of memory that V8 has not allocated.

import { bytesText } from '../units.js'
import { type Check, found } from './findings.js'

/** These packages are the bare program: npm 12 runs no install scripts, which the package node has. */
const NEWER = `npx -y -p node-linux-${process.arch}@24 node my-program.mjs`
/** Of Node.js 20. */
const SMALL = 2 ** 32

const checkBuffers: Check = ({ buffers, info }) => {
  if (buffers === null) return []
  const { node } = info.machine
  if (buffers.refused !== null) {
    const text = `Node.js ${node} lays no ArrayBuffer over memory of emucxl: ${buffers.refused}`
    return [found('array-buffer', 'problem', text)]
  }
  const text = `Node.js ${node}: one block has up to ${bytesText(buffers.largest)}`
  if (buffers.largest > SMALL) return [found('array-buffer', 'good', text)]
  return [found('array-buffer', 'note', `${text}; more with Node.js 22 and later`, NEWER)]
}

const checkShared: Check = ({ buffers }) => {
  if (buffers === null) return []
  if (buffers.shared) {
    return [found('shared-memory', 'good', 'shared blocks are SharedArrayBuffers')]
  }
  const text =
    'shared blocks are ArrayBuffers that each thread attaches, without Atomics.wait; SharedArrayBuffers with Node.js 22 and later'
  return [found('shared-memory', 'note', text)]
}

export const NODE_JS_CHECKS: readonly Check[] = [checkBuffers, checkShared]
