/** What follows from a value, worked out again only when the value is another one. */
export function derived<T, R>(source: () => T, work: (value: T) => R): () => R {
  let last: { readonly value: T; readonly result: R } | undefined
  return () => {
    const value = source()
    if (last === undefined || last.value !== value) last = { value, result: work(value) }
    return last.result
  }
}
