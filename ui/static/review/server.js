// What the review page asks the server.
import {t} from "/static/shared/base.js";

export const API = "/api/engineer/review";

/** Ask the server; a session that ended leaves everything as it is. Gives {ok: true, …} or {ok: false, error}. */
export async function send(path, body) {
  try {
    const answer = await fetch(`${API}/${path}`, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
    if (answer.status === 401) return {ok: false, error: t("review.signed_out")};
    const content = await answer.json();
    return answer.ok ? {ok: true, ...content} : {ok: false, error: content.error ?? t("base.refused", {status: answer.status})};
  } catch {
    return {ok: false, error: t("base.no_server")};
  }
}
