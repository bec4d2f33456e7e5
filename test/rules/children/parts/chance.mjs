// Random numbers from a seed that the test prints, so that a failure can be repeated:
// EMUCXL_SEED=… sets it.

export function chance(seed = Number(process.env.EMUCXL_SEED)) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    /** A whole number from 0 to `n` − 1. */
    below: (n) => Math.floor(next() * n),
    one: (list) => list[Math.floor(next() * list.length)],
    often: (probability) => next() < probability,
  }
}
