// Copies what tsc does not: worker entries and web pages, from src to dist.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
  const from = join(entry.parentPath, entry.name)
  const isPage = /[\\/]public$/.test(entry.parentPath)
  if (entry.isFile() && (isPage || entry.name.endsWith('.mjs'))) cpSync(from, join('dist', from.slice('src/'.length)))
}
