import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/gateway/config/load.ts'
import { configJsonSchema } from '../../../src/gateway/config/schema.ts'

const read = (name: string): string => readFileSync(new URL(`../../../config/${name}`, import.meta.url), 'utf8')

describe('config/k2gw.example.yaml', () => {
  it('is valid and says exactly the defaults', () => {
    const env = { K2_DATA_DIR: '/data' }
    const example = parseConfig(read('k2gw.example.yaml'), { file: 'k2gw.example.yaml', env })
    expect(example).toEqual(parseConfig('', { file: 'empty', env }))
  })
})

describe('config/k2gw.schema.json', () => {
  it('is what the schema says', () => {
    expect(JSON.parse(read('k2gw.schema.json'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())))
  })
})
