// The policy that a user asked for, with what the store offers to it: one of the package by its name, or one of
// the user's, whose lists and answers are checked.

import { checkChoice } from '../memory/arguments.js'
import { CheckedList, checkEntry } from './checked-list.js'
import { EntryList } from './entry-list.js'
import { EntryNumbers } from './entry-numbers.js'
import type { EntryTable } from './entry-table.js'
import { policies } from './policies/index.js'
import type { Policy, PolicyFactory, PolicyHost } from './policy.js'
import { PolicyGuard } from './policy-guard.js'
import type { TierState } from './tier-account.js'

function factoryOf(policy: unknown): PolicyFactory {
  if (typeof policy === 'function') return policy as PolicyFactory
  const names = Object.keys(policies) as (keyof typeof policies)[]
  return policies[checkChoice(policy, 'options.policy', names)]
}

export class ChosenPolicy {
  /** Who is to be asked. */
  readonly policy: Policy
  /** For a policy of the user's. */
  readonly guard: PolicyGuard | undefined
  /** What the policy keeps of entries. */
  readonly #numbers: EntryNumbers[] = []

  constructor(policy: unknown, table: EntryTable, local: TierState) {
    const { records } = table
    const isTrusted = typeof policy !== 'function' // those of the package are
    const made = factoryOf(policy)(this.#host(table, local, isTrusted))
    if (!isTrusted) {
      const tierOf = (entry: number) => (records.has(entry) ? table.tierOf(entry) : undefined)
      this.guard = new PolicyGuard(made, tierOf)
    }
    this.policy = this.guard ?? made
  }

  #host(table: EntryTable, local: TierState, isTrusted: boolean): PolicyHost {
    const { records } = table
    return {
      list: () => (isTrusted ? new EntryList(records) : new CheckedList(records)),
      bytes: () => {
        const numbers = new EntryNumbers(Uint8Array)
        this.#numbers.push(numbers)
        return numbers
      },
      hash: (entry) => {
        if (!isTrusted) checkEntry(records, entry, 'hash()')
        return table.hash(entry)
      },
      get localObjects() {
        return Math.min(local.objectsLimit, Math.max(1, local.entries))
      },
    }
  }

  /** Bytes of what the policy keeps of entries. */
  get bytes(): number {
    return this.#numbers.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Gives that back: there are no entries any more. */
  clear(): void {
    for (const numbers of this.#numbers) numbers.clear()
  }
}
