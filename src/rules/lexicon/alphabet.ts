/** Letters that betray a language (3.4). */
export type Alphabet = 'plain' | 'cyrillic' | 'vietnamese' | 'spanish' | 'portuguese' | 'accented'

/** The first telling letter of a lower-case word decides. */
export function alphabetOf(text: string): Alphabet {
  let accented = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 128) continue
    accented = true
    if (code >= 0x400 && code < 0x530) return 'cyrillic'
    if (code === 0x103 || code === 0x111 || code === 0x1a1 || code === 0x1b0 || (code >= 0x1ea0 && code <= 0x1ef9))
      return 'vietnamese'
    if (code === 0xf1) return 'spanish'
    if (code === 0xe3 || code === 0xf5 || code === 0xe7) return 'portuguese'
  }
  return accented ? 'accented' : 'plain'
}
