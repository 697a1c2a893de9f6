// Lambda-compatible; answers /.netlify/functions/legacy, and /api/legacy by the redirect in netlify.toml.
export const handler = async ({ queryStringParameters }) => ({
  statusCode: 200,
  headers: { 'content-type': 'text/plain' },
  body: `Hello, ${queryStringParameters.name ?? 'nobody'}, from a Lambda!\n`,
});
