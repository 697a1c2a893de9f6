const LISTEN = /(?<![\w$.])app\.listen(?=\s*\()/g;

/**
 * Makes `app.listen(…)` do nothing, as the platform does for a variable of just this name: the app is served by the edge, which opens no
 * other port. `valueOf` returns the app whatever it is given, and stands wherever `listen` can stand.
 */
export function ignoreListen(text: string): string {
  return text.replace(LISTEN, 'app.valueOf');
}
