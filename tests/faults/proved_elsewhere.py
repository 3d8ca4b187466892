"""Rows of the catalogue that tests of other subjects prove, and those that are not ours, with the reason.

41-58 infrastructure and vendors' answers, 84, 85 and 96 webhooks, 102-107 texts and language models, 121-132 mails and
dashboards, 139-147 keys, limits, dependencies, logs and partners.
"""

from __future__ import annotations

from tests.faults.table import again, elsewhere, pending

CLIENT, CONTRACT, PULL = (f"tests/sources/test_{name}.py" for name in ("client", "contract", "pull"))
LLM, READING = (f"tests/objections/test_{name}.py" for name in ("llm", "reading"))
DELIVERY, DIGEST = (f"tests/reports/test_{name}.py" for name in ("delivery", "digest"))
TARGETED, WORK = (f"tests/fast_way/test_{name}.py" for name in ("targeted", "work"))

Row = tuple[int, str, str, str, str]
ROWS: tuple[Row, ...] = (
    # --- storage ---
    (38, "acknowledged events that a failover lost", "inbox", "the next pull brings what they told of; counted",
     f"{WORK}::test_what_the_pull_found_and_no_webhook_told_is_counted"),
    (45, "the clock of a signature is off", "webhook", "five minutes either way are borne, then 401",
     "tests/inbox/test_verify.py::test_a_signature_lives_five_minutes_both_ways"),
    (45, "a worker's clock differs from the store's", "process", "leases end by the clock of the store",
     "tests/state/test_lease.py::test_a_lease_that_ended_is_taken_over_with_a_higher_token"),
    (45, "a clock that goes back", "webhook", "limits give nothing for it",
     "tests/inbox/test_limits.py::test_a_clock_that_goes_back_gives_nothing"),
    (45, "what arrives in another order than it happened", "gate", "the vendor's version decides, no clock of ours",
     "tests/quality/test_events.py::test_versions_decide_not_arrival"),
    (46, "a name or server that is not there", "wire", "UnavailableError without a secret; tried again, then told",
     f"{CLIENT}::test_a_server_that_is_not_there_is_unavailable"),
    (47, "a proxy's log-in page with status 200", "wire", "an error page, no data, for every source",
     f"{CONTRACT}::test_an_error_page_with_status_200_is_no_data"),
    # --- vendors' answers ---
    (48, "Retry-After as seconds, negative, absent, unreadable", "wire", "waited for as told, else by backoff",
     f"{CLIENT}::test_retry_after_is_honoured_and_nonsense_falls_back_to_backoff"),
    (48, "Retry-After as an HTTP date", "wire", "read as seconds; one of the past counts as none",
     f"{CLIENT}::test_retry_after_reads_seconds_and_dates"),
    (48, "a throttle longer than the run's budget, every source", "wire", "deferred at once; nothing landed, no loop",
     f"{CONTRACT}::test_a_throttle_beyond_the_budget_defers_the_stream"),
    (48, "a throttle without end", "wire", "ends with the budget; pauses between calls",
     f"{CLIENT}::test_an_endless_throttle_ends_with_the_budget_and_is_no_tight_loop"),
    (49, "5xx, 429, cut bodies and error pages for a while, every source", "wire", "every row lands once",
     f"{CONTRACT}::test_faults_that_pass_are_survived"),
    (49, "500 for ever, every source", "wire", "told after the attempts; nothing landed",
     f"{CONTRACT}::test_a_failure_that_stays_is_told_and_lands_nothing"),
    (49, "500 from the middle of the pages on", "wire", "whole slices stay; the window claims no more; then goes on",
     f"{PULL}::test_whole_slices_are_landed_when_a_later_one_fails_and_the_next_pull_goes_on"),
    (50, "401 in the middle of the pages", "wire", "one renewal, the same page again",
     f"{CLIENT}::test_a_refused_token_is_renewed_once"),
    (50, "401 for good, every source", "wire", "final, not repeated, naming the connection only",
     f"{CONTRACT}::test_wrong_credentials_are_told_and_not_retried"),
    (52, "200 with an error, every source", "wire", "told as an error; no rows, not zero rows",
     f"{CONTRACT}::test_an_error_object_with_status_200_is_told"),
    (52, "an empty report that says so", "wire", "zero rows", "tests/sources/test_web_analytics.py::"
     "test_ga4_an_empty_report_is_zero_rows"),
    (53, "a byte now and then", "wire", "ends with the deadline of the whole answer",
     f"{CLIENT}::test_a_drip_of_bytes_cannot_hide_from_the_deadline"),
    (53, "no byte at all", "wire", "ends with the time to read", f"{CLIENT}::test_silence_is_a_time_out"),
    (54, "short body, cut chunks, cut gzip, wrong checksum, cut JSON", "wire", "detected and fetched again, whole",
     f"{CLIENT}::test_half_answers_are_detected_and_fetched_again"),
    (55, "a page that lacks rows without an error", "gate", "the vendor's own total says so; the batch is held",
     "tests/sources/test_vendor_totals.py::test_a_missing_row_against_the_vendors_total_is_noticed"),
    (56, "a page that comes twice", "wire", "asked for again; every row once",
     f"{PULL}::test_a_page_that_comes_twice_is_asked_for_again"),
    (56, "an object that changes while pages are read", "wire", "no gap: pages go by id",
     "tests/sources/test_crm_and_bookings.py::test_hubspot_an_object_that_changes_meanwhile_makes_no_gap"),
    (57, "cursors in a circle", "wire", "ends at the first that was seen", f"{PULL}::test_pages_in_a_circle_end"),
    (57, "cursors without end", "wire", "ends at the limit of pages", f"{PULL}::test_pages_without_end_end"),
    (58, "a cursor that has expired", "wire", "the slice begins anew",
     "tests/sources/test_ad_platforms.py::test_google_ads_expired_page_token_is_survived"),
    # --- webhooks ---
    (84, "a deletion, then older news of the object", "inbox", "asked for by name: its present state, deleted",
     f"{TARGETED}::test_a_deleted_object_leaves_what_the_normal_pull_leaves"),
    (84, "older versions after newer ones", "gate", "the newest version stands, whatever the order",
     "tests/quality/test_events.py::test_versions_decide_not_arrival"),
    (85, "an event of an object that nobody knows", "inbox", "asked for again, then left to the pull; no loop",
     f"{WORK}::test_an_object_that_the_vendor_does_not_know_is_asked_for_again_then_left_to_the_pull"),
    (96, "no webhook came for hours or days", "inbox", "the pull brings all of it and counts what was not told",
     f"{WORK}::test_what_the_pull_found_and_no_webhook_told_is_counted"),
    (96, "HubSpot's subscription was deleted or points elsewhere", "wire", "told with what to set",
     f"{TARGETED}::test_a_lost_subscription_is_told"),
    (96, "Typeform switched a webhook off", "wire", "told with what to set",
     f"{TARGETED}::test_a_lost_webhook_of_a_form_is_told"),
    # --- texts and language models ---
    (102, "texts that give orders to a language model", "wire", "labels of the closed set only; no other output",
     f"{LLM}::test_injected_words_reach_no_label_and_no_output"),
    (102, "the same to our own classifier", "marts", "the label stays", f"{READING}::"
     "test_injection_and_emoji_do_not_change_the_label"),
    (103, "questions for the prompt or for others' data", "wire", "a request holds one text and no tools",
     f"{LLM}::test_each_request_holds_one_text_and_asks_for_json_without_tools"),
    (104, "a model that is down, limited, silent or talks nonsense", "wire", "our classifier answers; nothing is lost",
     f"{LLM}::test_limits_errors_silence_and_a_dead_endpoint_fall_back"),
    (105, "one objection in two hundred wordings", "tracker", "one task, with its count",
     "tests/content/test_stage.py::test_two_hundred_re_worded_objections_of_one_theme_make_one_task"),
    (106, "empty, emoji, other languages, 200 kB", "marts", "`unclear`, counted",
     f"{READING}::test_what_cannot_be_read_is_unclear"),
    (106, "very many and very long texts", "wire", "the cap of cost holds",
     f"{LLM}::test_the_cost_cap_holds_for_texts_characters_and_long_texts"),
    (107, "personal data in free text", "wire", "redacted before it leaves", f"{LLM}::test_no_personal_data_goes_out"),
    # --- mails and dashboards ---
    (121, "the mail server is down", "mail", "every mail is kept for the next run",
     f"{DELIVERY}::test_a_server_that_is_down_keeps_every_mail_for_the_next_run"),
    (121, "no TLS where it was asked for", "mail", "nothing is sent without it",
     f"{DELIVERY}::test_tls_that_was_asked_for_is_never_gone_without"),
    (121, "greylisting", "mail", "sent by the next run", f"{DELIVERY}::test_what_is_put_off_is_sent_by_the_next_run"),
    (122, "one of several addresses refused", "mail", "recorded; the others have theirs, once",
     f"{DELIVERY}::test_a_refused_address_is_recorded_and_the_others_get_theirs"),
    (124, "the week's mail again", "mail", "no second mail", f"{DELIVERY}::test_run_again_nobody_gets_a_second_one"),
    (124, "a backfill of old weeks", "process", "mails nobody",
     "tests/dags/test_stage.py::test_a_backfill_mails_nobody_and_makes_no_task"),
    (125, "a reader who moves to another zone", "mail", "one mail a week",
     f"{DELIVERY}::test_a_reader_who_moves_to_another_zone_gets_no_second_one"),
    (125, "weeks of summer time and of other zones", "mail", "the week that ended where the reader lives",
     f"{DIGEST}::test_the_week_is_the_one_that_ended_where_the_reader_lives"),
    (127, "late, held or missing data", "mail", "told by name in the mail",
     f"{DIGEST}::test_late_held_and_missing_data_are_told_by_name"),
    (128, "a partner among the readers", "mail", "its own customers only; one recipient a message",
     "tests/reports/test_reviews.py::test_a_partner_reads_its_own_customers_only"),
    (129, "a partner at the dashboards", "page", "sees its own rows, is refused elsewhere",
     "tests/bi/test_superset.py::test_a_partner_sees_its_own_rows_and_is_refused_elsewhere"),
    (131, "reading while marts are published", "marts", "one version",
     "tests/warehouse/test_publish.py::test_readers_never_see_a_mixture"),
    (132, "a report's name that is none", "marts", "refused; the nearest is named",
     "tests/warehouse/test_reports.py::test_an_unknown_name_names_the_nearest"),
    (132, "quotes that are templates or markup", "mail", "shown as text",
     f"{DIGEST}::test_quotes_with_personal_data_are_not_shown_and_hostile_ones_stay_text"),
    # --- keys, limits, dependencies ---
    (141, "a secret that cannot be read when the door opens", "webhook", "503 until it is right",
     "tests/dags/test_webhooks.py::test_the_door_stays_closed_until_every_secret_is_one"),
    (143, "a requirement without version or hash", "code", "refused",
     "tests/security/test_locks.py::test_every_requirement_has_a_version_and_a_hash"),
    (143, "an installation without hashes", "code", "refused", "tests/security/test_locks.py::"
     "test_every_installation_asks_for_hashes_and_every_lock_is_listed_and_looked_up"),
    (145, "line ends and colours in what a vendor says in its errors", "wire", "words of codes only, on one line",
     f"{CLIENT}::test_error_texts_hold_codes_but_no_free_text_and_no_token"),
)  # fmt: skip
for entry in ROWS:
    elsewhere(*entry)
again("tests/quality/test_events.py::test_core_is_the_same_whatever_the_order_of_arrival")

pending(
    41, "quotas of a cloud warehouse", "repeated under the same job id; nothing twice",
    "Does not apply: warehouses are DuckDB and Postgres, without jobs and quotas. A server that refuses is 36.",
)  # fmt: skip
pending(
    42, "an object store whose listing lags", "the manifest decides",
    "Does not apply: no object store is used. Rows land in the warehouse's own transaction together with their batch.",
)  # fmt: skip
pending(
    51, "two workers renew a token that changes each time", "one renews, the newest is stored",
    "Does not apply: nothing is written back to connections, and a source is pulled by one process at a time, under the"
    " lease pull:<source> (20, 21). docs of TokenAuth say that such a token is the operator's to keep up to date.",
)  # fmt: skip
