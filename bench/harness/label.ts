// What stands at each table, in each line of figures, at each part of the page: taken from the rest it still
// says what it is.

import type { BenchReport } from './report.js'

/** The backend, and why its figures tell nothing about remote memory where they do not. */
export function labelOf(
  report: Pick<BenchReport, 'backend' | 'latencyModel' | 'nodes' | 'machine'>,
): string {
  const { backend, latencyModel, nodes, machine } = report
  const places = new Set(nodes.map(({ numaNode }) => numaNode))
  return [
    backend,
    ...(latencyModel === null ? [] : [`modelled by ${latencyModel}`]),
    ...(backend !== 'emulated' && places.size === 1 ? ['one NUMA node'] : []),
    ...(machine.virtualMachine === 'QEMU TCG' ? ['CPU emulated by TCG'] : []),
  ].join(', ')
}
