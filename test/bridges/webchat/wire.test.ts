import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listMarkersAsText } from '../../../src/bridges/format/rich-text-ops.ts'
import { runsOf } from '../../../src/bridges/webchat/wire.ts'
import { anyRich, stylesAt } from '../format/rich-arbitrary.ts'

describe('runsOf', () => {
  it('cuts at every border', () => {
    const rich = {
      text: 'a link b',
      spans: [
        { kind: 'bold' as const, start: 0, end: 6 },
        { kind: 'link' as const, url: 'https://e.org', start: 2, end: 6 },
      ],
    }
    expect(runsOf(rich)).toEqual([
      { text: 'a ', styles: ['bold'] },
      { text: 'link', styles: ['bold'], url: 'https://e.org' },
      { text: ' b' },
    ])
  })

  it('links only to the web', () => {
    const to = (url: string) => runsOf({ text: 'x', spans: [{ kind: 'link', url, start: 0, end: 1 }] })
    expect(to('javascript:alert(1)')).toEqual([{ text: 'x' }])
    expect(to('data:text/html,x')).toEqual([{ text: 'x' }])
    expect(to('HTTPS://e.org')).toEqual([{ text: 'x', url: 'HTTPS://e.org' }])
  })

  it('keeps every character with the styles over it', () => {
    fc.assert(
      fc.property(anyRich(), (input) => {
        const runs = runsOf(input)
        const shown = listMarkersAsText(input)
        expect(runs.map((r) => r.text).join('')).toBe(shown.text)
        let at = 0
        for (const run of runs) {
          const styles = stylesAt(shown, at).map((s) => (JSON.parse(s) as { kind: string }).kind)
          expect([...(run.styles ?? [])].sort()).toEqual(styles.filter((k) => k !== 'link' && k !== 'emoji').sort())
          at += run.text.length
        }
      }),
      { numRuns: 2000, seed: 12 },
    )
  })
})
