/**
 * A module that is started rather than imported (a thread, a process): `.ts` in a clone, `.js` in the package, as the one that asks.
 *
 * @param path relative, without its ending
 * @param from `import.meta.url` of the one that asks
 */
export function siblingModule(path: string, from: string): URL {
  return new URL(`${path}${from.slice(from.lastIndexOf('.'))}`, from);
}
