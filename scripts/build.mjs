// Makes a build of the sources: every TypeScript file as JavaScript of its own, with worker entries, web pages and the lexicon
// beside it. `node scripts/build.mjs` writes `dist` for packing; a clone's `k2gw` keeps one of its own, so that a start does not
// wait for hundreds of files to be compiled one by one.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Beside the packages, so that these are found from there, and gone with them. */
const BUILDS = join(ROOT, 'node_modules', '.cache', 'k2gw')
/** Builds kept: a gateway that still runs from an older one loads parts of it late. */
const KEPT = 4
/** Written last: a build without it is not complete. */
const STAMP = 'stamp.txt'

/** Files a build is made of, relative to the root. */
function inputs() {
  const src = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
  const lexicon = readdirSync(join(ROOT, 'config', 'lexicon')).map((name) => join('config', 'lexicon', name))
  const data = [...lexicon, join('config', 'taxonomy.yaml'), join('config', 'gazetteer.yaml')]
  return { src: src.sort(), data: data.sort() }
}

/** Changes whenever a file of the sources, or this file, does. */
function stampOf({ src, data }) {
  const hash = createHash('sha256')
  for (const path of [...src, ...data, join('scripts', 'build.mjs'), join('scripts', 'as-javascript.mjs'), 'package.json']) {
    const { size, mtimeMs } = statSync(join(ROOT, path))
    hash.update(`${path}\0${size}\0${mtimeMs}\0`)
  }
  return hash.digest('hex').slice(0, 32)
}

/** Writes a whole build into an empty folder. */
async function write(dir, { src }, stamp) {
  // Loaded only now: a start that finds its build needs neither the compiler nor the lexer.
  const { asJavaScript, withBuiltNeighbours } = await import('./as-javascript.mjs')
  const compile = async (path) => {
    const code = await asJavaScript(await readFile(join(ROOT, path), 'utf8'), path)
    const to = join(dir, relative('src', path).replace(/\.ts$/, '.js'))
    mkdirSync(dirname(to), { recursive: true })
    await writeFile(to, await withBuiltNeighbours(code))
  }
  await Promise.all(src.filter((path) => path.endsWith('.ts')).map(compile))
  for (const path of src) {
    if (!/[\\/]public[\\/][^\\/]+$/.test(path) && !path.endsWith('.mjs')) continue
    const to = join(dir, relative('src', path))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(ROOT, path), to)
  }
  // Said once here, Node need not find it out file by file: below `node_modules` the root's own word does not count.
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }\n')
  await writeLexicon(dir)
  writeFileSync(join(dir, STAMP), stamp)
}

/** The lexicon, compiled by what the build has made of the sources: no start has to compile it. */
async function writeLexicon(dir) {
  const module = (path) => import(pathToFileURL(join(dir, path)).href)
  const [{ readLexicon }, { imageName }, { lexiconImage }] = await Promise.all(
    ['gateway/rules/files.js', 'gateway/rules/lexicon.js', 'rules/index.js'].map(module),
  )
  const sources = readLexicon()
  mkdirSync(join(dir, 'lexicon'), { recursive: true })
  writeFileSync(join(dir, 'lexicon', imageName(sources)), lexiconImage(sources))
}

/**
 * Folder of a build of the sources as they are now: `dist` when it is, else a kept one, else a new one. Rejects when it can
 * neither be found nor made.
 */
export async function currentBuild() {
  const files = inputs()
  const stamp = stampOf(files)
  for (const dir of [join(ROOT, 'dist'), join(BUILDS, stamp)]) {
    if (existsSync(join(dir, STAMP)) && readFileSync(join(dir, STAMP), 'utf8') === stamp) return dir
  }
  const dir = join(BUILDS, stamp)
  const draft = `${dir}.${process.pid}.new`
  mkdirSync(draft, { recursive: true })
  try {
    await write(draft, files, stamp)
    removeOld()
    renameSync(draft, dir)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    // Another start may have been faster.
    if (!existsSync(join(dir, STAMP))) throw error
  }
  return dir
}

function removeOld() {
  const kept = readdirSync(BUILDS)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .map((name) => ({ dir: join(BUILDS, name), at: statSync(join(BUILDS, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
  for (const { dir } of kept.slice(KEPT - 1)) rmSync(dir, { recursive: true, force: true })
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const files = inputs()
  const dist = join(ROOT, 'dist')
  rmSync(dist, { recursive: true, force: true })
  await write(dist, files, stampOf(files))
}
