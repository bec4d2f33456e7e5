// What is built on a context hears here that the context is closed, and so does not have to ask it each
// time. It can be dropped without a word: only weak references to it are kept.

/** Something that is built on a context. */
export interface Dependent {
  contextClosed(): void
}

const dependents = new WeakMap<object, Set<WeakRef<Dependent>>>()

/** Tells a dependent when the context is closed. Returns what ends that; it does not keep it alive. */
export function dependOn(context: object, dependent: Dependent): () => void {
  const all = dependents.get(context) ?? new Set()
  dependents.set(context, all)
  const reference = new WeakRef(dependent)
  all.add(reference)
  return () => {
    all.delete(reference)
  }
}

export function tellClosed(context: object): void {
  for (const reference of dependents.get(context) ?? []) reference.deref()?.contextClosed()
  dependents.delete(context)
}
