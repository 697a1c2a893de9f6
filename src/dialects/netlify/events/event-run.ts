import { Fault } from '../../../contract/fault.ts';
import { toContext } from '../call/context.ts';
import type { Run } from '../call/invocation.ts';
import type { Platform } from '../call/platform.ts';
import { requestStore } from '../call/request-store.ts';
import { DEPLOY_SUCCEEDED, type PlatformEvent } from '../find/event-names.ts';

/**
 * Creates the caller for a method of a default export, such as `formSubmitted`. The method gets the
 * event, not a request; what it returns is ignored.
 */
export function toEventRun(exported: object, event: PlatformEvent, platform: Platform): Run {
  const store = requestStore();
  return async (invocation) => {
    try {
      const { context } = toContext(invocation, platform);
      const argument = toArgument(event, (await invocation.request.json()) as Body);
      // Found for each call: code of the site may replace it.
      await store.run({ context, invocation, purging: platform.purging }, () =>
        Reflect.get(exported, event.method)(argument),
      );
      return EMPTY;
    } catch (cause) {
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
  };
}

const EMPTY = Object.freeze({ status: 200, headers: [], body: null, bodyUsed: false });

type Json = Readonly<Record<string, unknown>>;

/** As `toEventPayload` wrote it. */
interface Body {
  readonly payload: Json;
  readonly site: Json;
}

/** As `@netlify/serverless-functions-api` makes it of the body of the event. */
function toArgument(event: PlatformEvent, { payload, site }: Body): unknown {
  if (event !== DEPLOY_SUCCEEDED) return { data: payload.data };
  return {
    deploy: {
      id: payload.id,
      siteId: payload.site_id,
      buildId: payload.build_id,
      state: payload.state,
      errorMessage: payload.error_message,
      url: payload.url,
      sslUrl: payload.ssl_url,
      permalinkUrl: payload.deploy_ssl_url,
      adminUrl: payload.admin_url,
      context: payload.context,
      branch: payload.branch,
      commitRef: payload.commit_ref,
      commitUrl: payload.commit_url,
      commitMessage: payload.commit_message,
      committer: payload.committer,
      title: payload.title,
      createdAt: payload.created_at,
      publishedAt: payload.published_at,
      time: payload.deploy_time,
      manual: payload.manual_deploy,
      framework: payload.framework,
    },
    site: { id: site.id, name: site.name, url: site.url, adminUrl: site.admin_url },
  };
}
