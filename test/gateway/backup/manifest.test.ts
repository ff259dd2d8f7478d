import { describe, expect, test } from 'vitest'
import { type Manifest, readManifest } from '../../../src/gateway/backup/manifest.ts'
import { checksum } from '../../../src/gateway/db/migrate.ts'
import { MIGRATIONS } from '../../../src/gateway/db/migrations/index.ts'
import { A } from '../../core/k2/fixtures.ts'

const schema = MIGRATIONS.map((step, i) => ({ position: i + 1, name: step.name, checksum: checksum(step) }))
const manifest: Manifest = {
  version: 1,
  createdAt: 1,
  program: '0.1.0',
  instance: 'test',
  node: A,
  database: 'embedded',
  schema,
  parts: { 'identity.json': 200 },
  references: 0,
}
const read = (change: object): Manifest => readManifest(JSON.stringify({ ...manifest, ...change }))

describe('what a backup says of itself', () => {
  test('is taken from this and from older versions', () => {
    expect(read({})).toEqual(manifest)
    expect(read({ schema: schema.slice(0, 3) }).schema).toHaveLength(3)
    expect(read({ schema: [] }).schema).toEqual([])
  })

  test.each([
    ['a format to come', { version: 2, anything: true }],
    ['a schema step to come', { schema: [...schema, { position: schema.length + 1, name: '9999-later', checksum: 'x' }] }],
  ])('is refused with %s, which this version would lose', (_, change) => {
    expect(() => read(change)).toThrow(expect.objectContaining({ code: 'BACKUP_NEWER' }))
  })

  test('is refused when its schema is of another build', () => {
    const other = schema.map((step, i) => (i === 1 ? { ...step, checksum: 'another' } : step))
    expect(() => read({ schema: other })).toThrow(expect.objectContaining({ code: 'DB_SCHEMA_CHANGED' }))
  })

  test.each(['', '{', 'null', '[]', '{"version":"1"}', JSON.stringify({ ...manifest, node: 'x' })])(
    'is refused as %s',
    (text) => {
      expect(() => readManifest(text)).toThrow(expect.objectContaining({ code: 'BACKUP_DAMAGED' }))
    },
  )
})
