export default function onRequest() {
  return new Response('Hello from a function!\n', { headers: { 'Content-Type': 'text/plain' } });
}
