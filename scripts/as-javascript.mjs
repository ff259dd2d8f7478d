// One TypeScript file as JavaScript, the same for a build and for what the benchmarks measure. Constants stay `const`: a bundler
// makes `var` of them at the top of a file, which the engine has to look up at each use instead of folding them.
import { init, parse } from 'es-module-lexer'
import { transform } from 'esbuild'

/**
 * @param {string} source text of a TypeScript file
 * @param {string} sourcefile its name, for errors
 * @returns {Promise<string>} its code; neighbours keep their names (`./x.ts`)
 */
export async function asJavaScript(source, sourcefile) {
  const { code } = await transform(source, {
    loader: 'ts',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcefile,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  })
  return code
}

/**
 * Gives the neighbours a file names the ending they have once built.
 *
 * @param {string} code of a module
 * @returns {Promise<string>} the same with `./x.js` for every `./x.ts` it imports or exports from
 */
export async function withBuiltNeighbours(code) {
  await init
  let built = ''
  let from = 0
  for (const { n: name, e: end, d: dynamic } of parse(code)[0]) {
    if (name === undefined || !/^\.{1,2}\/.*\.ts$/.test(name)) continue
    // The place of a name said while running, `import('./x.ts')`, has its quotes too.
    const ending = end - (dynamic > -1 ? 1 : 0) - 'ts'.length
    built += `${code.slice(from, ending)}js`
    from = ending + 'ts'.length
  }
  return built + code.slice(from)
}
