/**
 * Channels named by `LISTEN` and `UNLISTEN` in a text of one or more statements; `*` stands for `UNLISTEN *`. The embedded
 * engine is one session, so it must know which logical client listens where. The text may begin with comments and the
 * words may stand after other statements: a pattern anchored at the start misses them.
 */
export interface ListenChange {
  readonly listen: readonly string[]
  readonly unlisten: readonly string[]
}

const SKIP = /--[^\n]*|\/\*[\s\S]*?\*\/|\s+/y
const TOKEN = /"(?:[^"]|"")*"|[eE]?'(?:[^'\\]|''|\\.)*'|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|[\p{L}_][\p{L}\p{N}_$]*|[^\s]/uy

function tokens(text: string): string[] {
  const out: string[] = []
  let at = 0
  while (at < text.length) {
    SKIP.lastIndex = at
    if (SKIP.test(text)) {
      at = SKIP.lastIndex
      continue
    }
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) break
    out.push(found[0])
    at = TOKEN.lastIndex
  }
  return out
}

/** Postgres folds plain names to lower case and keeps quoted ones. */
function channelName(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token.toLowerCase()
}

export function listenChanges(text: string): ListenChange {
  const listen: string[] = []
  const unlisten: string[] = []
  let start = true
  const words = tokens(text)
  for (const [i, word] of words.entries()) {
    const name = words[i + 1]
    if (start && name !== undefined) {
      const verb = word.toLowerCase()
      if (verb === 'listen') listen.push(channelName(name))
      else if (verb === 'unlisten') unlisten.push(name === '*' ? '*' : channelName(name))
    }
    start = word === ';'
  }
  return { listen, unlisten }
}
