/** `*` any characters but `/`, `**` any characters, `?` one; `!` in front excludes. Two pointers, no backtracking explosion. */
export function globMatches(pattern: string, text: string): boolean {
  let [p, t] = [0, 0]
  let [starAt, starText, deep] = [-1, 0, false]
  let [deepAt, deepText] = [-1, 0]
  while (t < text.length) {
    const char = pattern[p]
    if (char === '*') {
      deep = pattern[p + 1] === '*'
      if (deep) {
        p += 2
        ;[deepAt, deepText, starAt] = [p, t, -1]
      } else {
        p++
        ;[starAt, starText] = [p, t]
      }
    } else if (char !== undefined && (char === text[t] || (char === '?' && text[t] !== '/'))) {
      p++
      t++
    } else if (starAt >= 0 && text[starText] !== '/') {
      starText++
      ;[p, t] = [starAt, starText]
    } else if (deepAt >= 0) {
      deepText++
      ;[p, t, starAt] = [deepAt, deepText, -1]
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** True when some pattern fits (or only exclusions are given) and no exclusion does. */
export function globsMatch(patterns: readonly string[], names: readonly string[]): boolean {
  let wanted = false
  let found = false
  for (const pattern of patterns) {
    const not = pattern.startsWith('!')
    const body = not ? pattern.slice(1) : pattern
    const fits = names.some((name) => globMatches(body, name))
    if (not && fits) return false
    if (!not) [wanted, found] = [true, found || fits]
  }
  return found || !wanted
}
