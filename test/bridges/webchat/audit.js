// Runs inside the page: texts without enough contrast (WCAG AA, 4.5 : 1) and controls without a name.
;(() => {
  const luminance = (css) => {
    const [r = 0, g = 0, b = 0] = (css.match(/[\d.]+/g) ?? []).map((v) => {
      const c = Number(v) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const backOf = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const color = getComputedStyle(n).backgroundColor
      if (color !== 'rgba(0, 0, 0, 0)') return color
    }
    return 'rgb(255, 255, 255)'
  }
  const found = []
  for (const node of document.querySelectorAll('body *')) {
    const hasText = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim())
    if (!hasText || node.offsetParent === null || node.matches('.hidden, .skip, option')) continue
    const [light, dark] = [luminance(getComputedStyle(node).color), luminance(backOf(node))].sort((x, y) => y - x)
    if ((light + 0.05) / (dark + 0.05) < 4.5) found.push(`${node.tagName}.${node.className} ${node.textContent}`)
  }
  for (const control of document.querySelectorAll('button, input, select, textarea')) {
    const name = control.getAttribute('aria-label') ?? control.labels?.[0]?.textContent ?? control.textContent
    if (!name?.trim()) found.push(`no name: ${control.outerHTML}`)
  }
  return found
})()
