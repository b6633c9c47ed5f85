"""What an owner could do to approvals, what came of them, the work list, roles and the record."""

from tests.ledger.corruption import corruption as _c

DECIDED_BY_NOBODY = (
    "UPDATE approval SET state = 'approved', executed_sha256 = payload_sha256,"
    " checker_account_id = :checker, checker_person_id ="
    " (SELECT checker_person_id FROM approval WHERE id = :limit), decided_at = submitted_at,"
    " decide_audit_id = (SELECT decide_audit_id FROM approval WHERE id = :limit)"
    " WHERE id = :waiting"
)
SECOND_POLICY = (
    "INSERT INTO policy_version (id, code, title, effective_on, document, sha256,"
    " has_placeholders, installed_at, installed_by) SELECT 9001, 'newest', title, '2026-06-01',"
    " document, sha256 || 'x', has_placeholders, installed_at, # FROM policy_version"
    " WHERE code = 'newer-policy'"
)
SECOND_OVERRIDE = (
    "INSERT INTO deposit_limit_override (id, approval_id, person_id, month_on, limit_fen)"
    " SELECT 9001, #, person_id, month_on, limit_fen FROM deposit_limit_override"
)
SILENT_SESSION = (
    "INSERT INTO staff_session (id, token_hash, account_id, created_at, last_used_at,"
    " authenticated_at, expires_at) SELECT 9001, :strange_bytes, :checker, created_at,"
    " '2026-03-04 04:00:00', authenticated_at, expires_at FROM staff_session"
    " WHERE account_id = :maker"
)
BOTH_FROM_THE_SAME_AUDIT = (
    "approval.fk_approval_submit_audit_id audit_answer.fk_audit_answer_entry_id"
)
ENTRY = "audit_entry WHERE id = (SELECT submit_audit_id FROM approval WHERE id = :limit)"
FUNCTION = (
    "CREATE OR REPLACE FUNCTION # RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
)

# fmt: off
APPROVALS = (
    # --- two people, in their roles, in time ---
    _c("the maker made the checker", "W5", "UPDATE approval SET checker_account_id ="
       " maker_account_id, checker_person_id = maker_person_id WHERE id = :limit",
       without="approval.ck_approval_checker_is_not_maker"),
    _c("the checker's account given to the maker", "W5", "UPDATE staff_account SET"
       " staff_person_id = (SELECT maker_person_id FROM approval WHERE id = :limit)"
       " WHERE id = :checker", without="approval.fk_approval_checker"),
    _c("another person's name under a proposal", "W5", "UPDATE approval SET maker_person_id ="
       " (SELECT staff_person_id FROM staff_account WHERE id = :founder) WHERE id = :limit",
       without="approval.fk_approval_maker"),
    _c("a proposal put into somebody else's hands", "W5 W8", "UPDATE approval SET"
       " maker_account_id = :founder, maker_person_id ="
       " (SELECT staff_person_id FROM staff_account WHERE id = :founder) WHERE id = :limit"),
    _c("decided after it expired", "W5", "UPDATE approval SET expires_at = submitted_at"
       " WHERE id = :limit", without="approval.ck_approval_decided_in_time"),
    _c("decided before it was proposed", "W5", "UPDATE approval SET"
       " decided_at = '2026-03-01 00:00:00' WHERE id = :limit"),
    _c("a decision without a decider", "W5", "UPDATE approval SET checker_account_id = NULL,"
       " checker_person_id = NULL, decided_at = NULL, decide_audit_id = NULL WHERE id = :limit",
       without="approval.ck_approval_decided_by_somebody"),
    _c("an unknown action", "W5", "UPDATE approval SET action = 'gift' WHERE id = :limit"),
    _c("a proposal of another district", "W5", "UPDATE approval SET district = 'anji'"
       " WHERE id = :limit"),
    # --- as it was seen ---
    _c("a payload swapped", "W5", "UPDATE approval SET payload ="
       " (SELECT payload FROM approval WHERE id = :waiting) WHERE id = :limit"),
    _c("a payload swapped with its hashes", "W5", "UPDATE approval SET"
       " payload = (SELECT payload FROM approval WHERE id = :rejected),"
       " payload_sha256 = (SELECT payload_sha256 FROM approval WHERE id = :rejected),"
       " executed_sha256 = (SELECT payload_sha256 FROM approval WHERE id = :rejected)"
       " WHERE id = :limit"),
    _c("a payload that no key opens", "W5", "UPDATE approval SET payload = :strange_bytes"
       " WHERE id = :limit"),
    _c("a waiting payload's hash edited", "W5", "UPDATE approval SET payload_sha256 = 'f'"
       " WHERE id = :waiting"),
    _c("another hash executed than approved", "W5", "UPDATE approval SET executed_sha256 = 'f'"
       " WHERE id = :limit", without="approval.ck_approval_executed_as_approved"),
    _c("a rejected one that was executed", "W5", "UPDATE approval SET executed_sha256 ="
       " payload_sha256 WHERE id = :rejected", without="approval.ck_approval_executed_as_approved"),
    # --- its effect, once ---
    _c("a waiting proposal marked approved", "W5", DECIDED_BY_NOBODY),
    _c("a waiting proposal marked expired", "W5", "UPDATE approval SET state = 'expired'"
       " WHERE id = :waiting"),
    _c("an approved one marked rejected", "W5 W8", "UPDATE approval SET state = 'rejected',"
       " executed_sha256 = NULL WHERE id = :limit"),
    _c("a rejected one marked approved", "W5 W8", "UPDATE approval SET state = 'approved',"
       " executed_sha256 = payload_sha256 WHERE id = :rejected"),
    _c("an approval removed from under its effect", "W5", "DELETE FROM approval WHERE id = :limit",
       without="deposit_limit_override.fk_deposit_limit_override_approval_id"
       " work_item.fk_work_item_approval_id"),
    _c("a limit raised", "W5", "UPDATE deposit_limit_override SET limit_fen = limit_fen + 1"),
    _c("a limit of another month", "W5", "UPDATE deposit_limit_override SET"
       " month_on = '2026-04-01'"),
    _c("a limit given to another person", "W5", "UPDATE deposit_limit_override SET"
       " person_id = :bert"),
    _c("a limit removed", "W5", "DELETE FROM deposit_limit_override"),
    _c("a limit that rests on a rejection", "W5", SECOND_OVERRIDE.replace("#", ":rejected")),
    _c("a limit that rests on what waits", "W5", SECOND_OVERRIDE.replace("#", ":waiting")),
    _c("a limit that rests on a journal's approval", "W5", SECOND_OVERRIDE.replace("#",
       "(SELECT approval_id FROM manual_journal)")),
    _c("a manual journal's amount edited", "W5", "UPDATE posting SET amount_fen = amount_fen + 1"
       " WHERE journal_id = :manual"),
    _c("a manual journal's account edited", "W5", "UPDATE posting SET debit_code = '21901'"
       " WHERE journal_id = :manual"),
    _c("a manual journal's money moved to somebody else", "W5", "UPDATE posting SET"
       " sub_account_id = :sub_of_bert, account_seq = 99 WHERE journal_id = :manual"),
    _c("a manual journal's day edited", "W5", "UPDATE journal SET value_on = '2026-03-03'"
       " WHERE id = :manual"),
    _c("a manual journal's paper edited", "W5", "UPDATE manual_journal SET document_no = '凭证-2'"),
    _c("a manual journal said to resolve a case", "W5", "UPDATE manual_journal SET"
       " payment_case_id = (SELECT id FROM payment_case WHERE kind = 'suspended')"),
    _c("a manual journal on another approval", "W5", "UPDATE manual_journal SET"
       " approval_id = :rejected"),
    _c("a policy other than approved", "W5 D7", "UPDATE policy_version SET document ="
       " replace(document, '16', '14'), sha256 = 'f' WHERE code = 'newer-policy'"),
    _c("a second policy by the installer", "W5", "UPDATE policy_version SET"
       " installed_by = 'installer' WHERE code = 'newer-policy'"),
    _c("a third policy by nobody", "W5", SECOND_POLICY.replace("#", "'installer'")),
    _c("one approval for two policies", "W5", SECOND_POLICY.replace("#", "installed_by")),
    _c("an approved policy removed", "W5", "DELETE FROM policy_version"
       " WHERE code = 'newer-policy'"),
    _c("an agreement text other than approved", "W5 W2", "UPDATE agreement_template SET"
       " body = body || '.' WHERE number = 2"),
    _c("a second agreement text by the installer", "W5", "UPDATE agreement_template SET"
       " installed_by = 'installer' WHERE number = 2"),
    # --- roles ---
    _c("a role edited afterwards", "W5", "UPDATE staff_assignment SET role = 'auditor'"
       " WHERE account_id = :checker"),
    _c("a district edited afterwards", "W5", "UPDATE staff_assignment SET district = 'anji'"
       " WHERE account_id = :maker"),
    _c("a role that began later", "W5", "UPDATE staff_assignment SET"
       " from_at = '2026-03-05 00:00:00' WHERE account_id = :checker"),
    _c("a role that ended before", "W5", "UPDATE staff_assignment SET"
       " from_at = '2026-02-01 00:00:00', until_at = '2026-02-02 00:00:00'"
       " WHERE account_id = :checker"),
    _c("a role that nobody approved", "W5", "UPDATE staff_assignment SET approval_id = NULL"
       " WHERE account_id = :checker"),
    _c("a role that rests on somebody else's approval", "W5", "UPDATE staff_assignment SET"
       " approval_id = :limit WHERE account_id = :checker"),
    _c("a role removed", "W5", "DELETE FROM staff_assignment WHERE account_id = :checker"),
    # --- the work list ---
    _c("a waiting item closed", "W5", "UPDATE work_item SET closed_at = opened_at"
       " WHERE approval_id = :waiting"),
    _c("a done item opened again", "W5", "UPDATE work_item SET closed_at = NULL"
       " WHERE approval_id = :limit"),
    _c("a waiting item removed", "W5", "DELETE FROM work_item WHERE approval_id = :waiting"),
    _c("an open case's item closed", "W5", "UPDATE work_item SET closed_at = opened_at"
       " WHERE payment_case_id = (SELECT id FROM payment_case WHERE kind = 'suspended')"),
    # --- the record ---
    _c("the entry of a proposal removed", "W8", "DELETE FROM audit_entry WHERE id ="
       " (SELECT submit_audit_id FROM approval WHERE id = :limit)",
       without="approval.fk_approval_submit_audit_id audit_answer.fk_audit_answer_entry_id"),
    _c("the entry of a proposal said to be another's", "W8", "UPDATE audit_entry SET account_id ="
       " :founder WHERE id = (SELECT submit_audit_id FROM approval WHERE id = :limit)"),
    _c("the entry of a decision called refused", "W8", "UPDATE audit_entry SET verdict ="
       " 'role-refused' WHERE id = (SELECT decide_audit_id FROM approval WHERE id = :limit)"),
    _c("the entry of a decision called another act", "W8", "UPDATE audit_entry SET act ="
       " 'GET /v1/staff/me' WHERE id = (SELECT decide_audit_id FROM approval WHERE id = :limit)"),
    _c("a decision that points at another entry", "W8", "UPDATE approval SET decide_audit_id ="
       " submit_audit_id WHERE id = :limit"),
    _c("the entry of a sign-in removed", "W8", "DELETE FROM audit_entry WHERE"
       " act = 'POST /v1/staff/sessions' AND account_id = :checker"),
    _c("the entry of a sign-in dated back", "W8", "UPDATE audit_entry SET"
       " at = '2026-03-04 00:00:00' WHERE act = 'POST /v1/staff/sessions'"
       " AND account_id = :checker"),
    _c("a session without a sign-in", "W8", SILENT_SESSION.replace("SELECT 9001, :strange_bytes,"
       " :checker, created_at", "SELECT 9001, :strange_bytes, :checker, '2026-03-04 05:00:00'")),
    # --- what keeps them as they are ---
    _c("an approval's trigger dropped", "W5", "DROP TRIGGER approval_stays_as_decided",
       only_on="sqlite"),
    _c("an approval's trigger against removal dropped", "W5",
       "DROP TRIGGER approval_refuses_delete", only_on="sqlite"),
    _c("an approval's trigger disabled", "W5", "ALTER TABLE approval DISABLE TRIGGER"
       " approval_stays_as_decided", only_on="postgresql"),
    _c("an approval's trigger that lets everything through", "W5",
       FUNCTION.replace("#", "approval_is_frozen()"), only_on="postgresql"),
    _c("the record's trigger dropped", "W8", "DROP TRIGGER audit_entry_refuses_update",
       only_on="sqlite"),
    _c("the trigger of the record's answers dropped", "W8",
       "DROP TRIGGER audit_answer_refuses_delete", only_on="sqlite"),
    _c("the record's trigger disabled", "W8", "ALTER TABLE audit_entry DISABLE TRIGGER"
       " audit_entry_refuses_change", only_on="postgresql"),
    _c("the right to change the record", "W8", "GRANT UPDATE ON audit_entry TO lingcun_app",
       only_on="postgresql"),
    _c("the right to empty the record of answers", "W8",
       "GRANT TRUNCATE ON audit_answer TO lingcun_app", only_on="postgresql"),
)

REFUSED_ABOUT_APPROVALS = (
    _c("a maker who is the checker", "", "UPDATE approval SET checker_account_id ="
       " maker_account_id, checker_person_id = maker_person_id WHERE id = :limit"),
    _c("executed otherwise than approved", "", "UPDATE approval SET executed_sha256 = 'f'"
       " WHERE id = :limit"),
    _c("approved by nobody", "", "UPDATE approval SET state = 'approved', executed_sha256 ="
       " payload_sha256 WHERE id = :waiting"),
    _c("decided too late", "", "UPDATE approval SET expires_at = submitted_at WHERE id = :limit"),
    _c("an unknown state", "", "UPDATE approval SET state = 'lost' WHERE id = :waiting"),
    _c("one proposal waiting twice", "", "INSERT INTO approval (id, public_id, action, district,"
       " payload, payload_sha256, reason, maker_account_id, maker_person_id, submitted_at,"
       " submit_audit_id, expires_at, state) SELECT 9001, 'apv_again', action, district, payload,"
       " payload_sha256, reason, maker_account_id, maker_person_id, submitted_at,"
       " submit_audit_id, expires_at, state FROM approval WHERE id = :waiting"),
    _c("two effects of one approval", "", SECOND_OVERRIDE.replace("#", "approval_id")),
    _c("a paper used twice", "", "INSERT INTO manual_journal (id, public_id, approval_id,"
       " document_no) SELECT 9001, 'mjn_again', :rejected, document_no FROM manual_journal"),
    _c("two open items of one approval", "", "INSERT INTO work_item (id, public_id, kind,"
       " approval_id, district, opened_at) SELECT 9001, 'wrk_again', kind, approval_id, district,"
       " opened_at FROM work_item WHERE approval_id = :waiting"),
    _c("an item of nothing", "", "UPDATE work_item SET approval_id = NULL"
       " WHERE approval_id = :waiting"),
    _c("two roles at once", "", "INSERT INTO staff_assignment (id, account_id, role, district,"
       " from_at) SELECT 9001, account_id, 'auditor', district, from_at FROM staff_assignment"
       " WHERE account_id = :checker"),
    _c("a limit of nothing", "", "UPDATE deposit_limit_override SET limit_fen = 0"),
)
