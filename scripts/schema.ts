// Writes config/k2gw.schema.json from the zod schema; --check fails when the committed file differs.
import { readFileSync, writeFileSync } from 'node:fs'
import { configJsonSchema } from '../src/gateway/config/schema.ts'

const FILE = new URL('../config/k2gw.schema.json', import.meta.url)
const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== text) {
    console.error('config/k2gw.schema.json is out of date: run "npm run schema"')
    process.exitCode = 1
  }
} else {
  writeFileSync(FILE, text)
}
