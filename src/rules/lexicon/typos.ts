/** Deletion table for words one edit away: every word and its forms with one letter left out. */
export function typoTable(words: ReadonlySet<string>, known: ReadonlySet<string>): ReadonlyMap<string, string> {
  const table = new Map<string, string>()
  for (const word of words) {
    for (let i = 1; i < word.length; i++) {
      put(table, known, word.slice(0, i) + word.slice(i + 1), word)
      put(table, known, word.slice(0, i) + word[i] + word.slice(i), word)
      if (i + 1 < word.length) put(table, known, word.slice(0, i) + word[i + 1] + word[i] + word.slice(i + 2), word)
    }
  }
  return table
}

/** A mistyped form is used only when it is no word itself and stands for one word alone. */
function put(table: Map<string, string>, known: ReadonlySet<string>, typo: string, word: string): void {
  if (known.has(typo) || typo === word) return
  const other = table.get(typo)
  if (other === undefined) table.set(typo, word)
  else if (other !== word) table.set(typo, '')
}
