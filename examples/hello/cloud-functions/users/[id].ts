interface UserContext {
  readonly params: { readonly id: string };
}

export function onRequestGet({ params }: UserContext): Response {
  return Response.json({ id: params.id });
}
