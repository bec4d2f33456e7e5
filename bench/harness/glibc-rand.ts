// rand() of glibc after srand(seed): the additive generator of random(3), TYPE_3, with which the paper's
// program draws its keys. Source: glibc, stdlib/random_r.c.

const DEGREE = 31
const SEPARATION = 3
/** Numbers that srand() throws away. */
const WARM_UP = 10 * DEGREE

/** What rand() returns, time after time: from 0 to 2^31 - 1. A seed of 0 is taken as 1, as by srand(). */
export function glibcRand(seed: number): () => number {
  const state = new Int32Array(DEGREE)
  let word = seed === 0 ? 1 : seed | 0
  state[0] = word
  for (let i = 1; i < DEGREE; i++) {
    // 16807 * word % (2^31 - 1), by Schrage's method, which stays within 32 bits
    word = 16807 * (word % 127773) - 2836 * Math.trunc(word / 127773)
    if (word < 0) word += 2 ** 31 - 1
    state[i] = word
  }
  let [front, rear] = [SEPARATION, 0]
  const next = () => {
    const sum = ((state[front] as number) + (state[rear] as number)) | 0
    state[front] = sum
    front = (front + 1) % DEGREE
    rear = (rear + 1) % DEGREE
    return sum >>> 1
  }
  for (let i = 0; i < WARM_UP; i++) next()
  return next
}
