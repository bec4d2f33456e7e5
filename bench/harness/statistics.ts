// Summaries of samples.

export interface Summary {
  best: number
  median: number
  mean: number
  /** The 99th percentile, by the nearest rank. */
  p99: number
  /** Standard deviation of the sample; 0 for one value. */
  sd: number
}

/** Summarizes times, where less is better. There must be one at least. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b)
  const rank = (share: number) =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  const middle = sorted.length >> 1
  const median =
    sorted.length % 2 === 1
      ? rank(0.5)
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
  const mean = sorted.reduce((sum, x) => sum + x, 0) / sorted.length
  const squares = sorted.reduce((sum, x) => sum + (x - mean) ** 2, 0)
  const sd = sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : 0
  return { best: rank(0), median, mean, p99: rank(0.99), sd }
}
