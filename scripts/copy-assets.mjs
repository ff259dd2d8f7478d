// Copies what tsc does not: worker entries and web pages, from src to dist. Writes the lexicon's data files as JSON, which is read
// faster than YAML, each under the digest of the text it was made from.
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
  const from = join(entry.parentPath, entry.name)
  const isPage = /[\\/]public$/.test(entry.parentPath)
  if (entry.isFile() && (isPage || entry.name.endsWith('.mjs'))) cpSync(from, join('dist', from.slice('src/'.length)))
}

const built = join('dist', 'lexicon')
rmSync(built, { recursive: true, force: true })
mkdirSync(built, { recursive: true })
const lexica = readdirSync(join('config', 'lexicon')).map((name) => join('config', 'lexicon', name))
for (const path of [...lexica, join('config', 'taxonomy.yaml'), join('config', 'gazetteer.yaml')]) {
  const text = readFileSync(path, 'utf8')
  const name = `${createHash('sha256').update(text).digest('hex')}.json`
  writeFileSync(join(built, name), JSON.stringify(parse(text, { schema: 'core', merge: false, uniqueKeys: true })))
}
