/**
 * The tables of this package. They stand on those of `core`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `organization`: organizations with members, roles, invitations, teams.
 *
 * **Details**
 *
 * What organizations have to do with each other is kept apart by the schema: roles, teams and members meet by foreign
 * keys that have the organization in them. An organization without an owner cannot be written.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "organization",
  migrations: [
    {
      name: "0001_organizations",
      statements: [
        // The counts are columns, so that the last seat and the last owner cost the same with a million members.
        `CREATE TABLE belfry_organizations (
          id uuid NOT NULL,
          name text NOT NULL,
          slug text COLLATE "C",
          logo text,
          public_metadata jsonb NOT NULL DEFAULT '{}',
          private_metadata jsonb NOT NULL DEFAULT '{}',
          member_count integer NOT NULL,
          owner_count integer NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          deleted_at timestamptz,
          CONSTRAINT belfry_organizations_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_organizations_slug_key UNIQUE (slug),
          CONSTRAINT belfry_organizations_slug_lower CHECK (slug = lower(slug)),
          CONSTRAINT belfry_organizations_has_owner CHECK (owner_count >= 1),
          CONSTRAINT belfry_organizations_counts CHECK (member_count >= owner_count),
          CONSTRAINT belfry_organizations_public_metadata CHECK (jsonb_typeof(public_metadata) = 'object'),
          CONSTRAINT belfry_organizations_private_metadata CHECK (jsonb_typeof(private_metadata) = 'object')
        )`,
        `CREATE INDEX belfry_organizations_deleted_at_idx ON belfry_organizations (deleted_at)
          WHERE deleted_at IS NOT NULL`,
        // Users do not vanish under a membership: what removes one ends those first, with everything that is told of
        // it.
        `CREATE TABLE belfry_organization_members (
          id uuid NOT NULL,
          organization_id uuid NOT NULL,
          user_id uuid NOT NULL,
          built_in_roles text[] NOT NULL DEFAULT '{}',
          is_owner boolean NOT NULL GENERATED ALWAYS AS ('owner' = ANY (built_in_roles)) STORED,
          last_used_at timestamptz,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_organization_members_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_organization_members_organization_id_user_id_key UNIQUE (organization_id, user_id),
          CONSTRAINT belfry_organization_members_id_organization_id_key UNIQUE (id, organization_id),
          CONSTRAINT belfry_organization_members_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_members_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id)
        )`,
        `CREATE INDEX belfry_organization_members_organization_id_id_idx
          ON belfry_organization_members (organization_id, id)`,
        `CREATE INDEX belfry_organization_members_user_id_id_idx ON belfry_organization_members (user_id, id)`,
        `CREATE INDEX belfry_organization_members_user_id_last_used_at_idx
          ON belfry_organization_members (user_id, last_used_at DESC) WHERE last_used_at IS NOT NULL`,
        `CREATE INDEX belfry_organization_members_owners_idx
          ON belfry_organization_members (organization_id) WHERE is_owner`,
        `CREATE TABLE belfry_session_organizations (
          session_id uuid NOT NULL,
          member_id uuid NOT NULL,
          chosen_at timestamptz NOT NULL,
          CONSTRAINT belfry_session_organizations_pkey PRIMARY KEY (session_id),
          CONSTRAINT belfry_session_organizations_session_id_fkey
            FOREIGN KEY (session_id) REFERENCES belfry_sessions (id) ON DELETE CASCADE,
          CONSTRAINT belfry_session_organizations_member_id_fkey
            FOREIGN KEY (member_id) REFERENCES belfry_organization_members (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_session_organizations_member_id_idx ON belfry_session_organizations (member_id)`,
      ],
    },
    {
      name: "0002_roles",
      statements: [
        `CREATE TABLE belfry_organization_roles (
          id uuid NOT NULL,
          organization_id uuid NOT NULL,
          name text COLLATE "C" NOT NULL,
          description text,
          permissions text[] NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_organization_roles_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_organization_roles_organization_id_name_key UNIQUE (organization_id, name),
          CONSTRAINT belfry_organization_roles_id_organization_id_key UNIQUE (id, organization_id),
          CONSTRAINT belfry_organization_roles_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE CASCADE
        )`,
        // A role that somebody has stays. Deferrable for the removal of a whole organization alone, whose cascades come
        // in an order of the database's own.
        `CREATE TABLE belfry_organization_member_roles (
          member_id uuid NOT NULL,
          role_id uuid NOT NULL,
          organization_id uuid NOT NULL,
          CONSTRAINT belfry_organization_member_roles_pkey PRIMARY KEY (member_id, role_id),
          CONSTRAINT belfry_organization_member_roles_member_id_fkey FOREIGN KEY (member_id, organization_id)
            REFERENCES belfry_organization_members (id, organization_id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_member_roles_role_id_fkey FOREIGN KEY (role_id, organization_id)
            REFERENCES belfry_organization_roles (id, organization_id) DEFERRABLE INITIALLY IMMEDIATE
        )`,
        `CREATE INDEX belfry_organization_member_roles_role_id_idx ON belfry_organization_member_roles (role_id)`,
      ],
    },
    {
      name: "0003_invitations",
      statements: [
        `CREATE TABLE belfry_organization_invitations (
          id uuid NOT NULL,
          organization_id uuid NOT NULL,
          email text COLLATE "C" NOT NULL,
          built_in_roles text[] NOT NULL,
          role_names text[] NOT NULL,
          status text COLLATE "C" NOT NULL,
          token_hash text COLLATE "C" NOT NULL,
          inviter_id uuid,
          accepted_by uuid,
          sends integer NOT NULL,
          sent_at timestamptz NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_organization_invitations_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_organization_invitations_token_hash_key UNIQUE (token_hash),
          CONSTRAINT belfry_organization_invitations_email_lower CHECK (email = lower(email)),
          CONSTRAINT belfry_organization_invitations_status
            CHECK (status IN ('pending', 'accepted', 'rejected', 'revoked', 'expired')),
          CONSTRAINT belfry_organization_invitations_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_invitations_inviter_id_fkey
            FOREIGN KEY (inviter_id) REFERENCES belfry_users (id) ON DELETE SET NULL,
          CONSTRAINT belfry_organization_invitations_accepted_by_fkey
            FOREIGN KEY (accepted_by) REFERENCES belfry_users (id) ON DELETE SET NULL
        )`,
        `CREATE UNIQUE INDEX belfry_organization_invitations_open_key
          ON belfry_organization_invitations (organization_id, email) WHERE status = 'pending'`,
        `CREATE INDEX belfry_organization_invitations_organization_id_id_idx
          ON belfry_organization_invitations (organization_id, id DESC)`,
        `CREATE INDEX belfry_organization_invitations_organization_id_email_idx
          ON belfry_organization_invitations (organization_id, email)`,
        `CREATE INDEX belfry_organization_invitations_open_email_idx
          ON belfry_organization_invitations (email, id DESC) WHERE status = 'pending'`,
        `CREATE INDEX belfry_organization_invitations_open_expires_at_idx
          ON belfry_organization_invitations (expires_at) WHERE status = 'pending'`,
        `CREATE INDEX belfry_organization_invitations_closed_updated_at_idx
          ON belfry_organization_invitations (updated_at) WHERE status <> 'pending'`,
        `CREATE INDEX belfry_organization_invitations_inviter_id_idx ON belfry_organization_invitations (inviter_id)`,
        `CREATE INDEX belfry_organization_invitations_accepted_by_idx ON belfry_organization_invitations (accepted_by)`,
        // An invitation that is closed has no rows here; its role_names stay for show.
        `CREATE TABLE belfry_organization_invitation_roles (
          invitation_id uuid NOT NULL,
          role_id uuid NOT NULL,
          organization_id uuid NOT NULL,
          CONSTRAINT belfry_organization_invitation_roles_pkey PRIMARY KEY (invitation_id, role_id),
          CONSTRAINT belfry_organization_invitation_roles_invitation_id_fkey
            FOREIGN KEY (invitation_id) REFERENCES belfry_organization_invitations (id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_invitation_roles_role_id_fkey FOREIGN KEY (role_id, organization_id)
            REFERENCES belfry_organization_roles (id, organization_id) DEFERRABLE INITIALLY IMMEDIATE
        )`,
        `CREATE INDEX belfry_organization_invitation_roles_role_id_idx ON belfry_organization_invitation_roles (role_id)`,
      ],
    },
    {
      name: "0004_teams",
      statements: [
        `CREATE TABLE belfry_organization_teams (
          id uuid NOT NULL,
          organization_id uuid NOT NULL,
          name text NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_organization_teams_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_organization_teams_id_organization_id_key UNIQUE (id, organization_id),
          CONSTRAINT belfry_organization_teams_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_organization_teams_organization_id_id_idx
          ON belfry_organization_teams (organization_id, id)`,
        `CREATE INDEX belfry_organization_teams_name_search_idx
          ON belfry_organization_teams (organization_id, lower(name) text_pattern_ops)`,
        `CREATE TABLE belfry_organization_team_members (
          team_id uuid NOT NULL,
          member_id uuid NOT NULL,
          organization_id uuid NOT NULL,
          role text COLLATE "C" NOT NULL,
          joined_at timestamptz NOT NULL,
          CONSTRAINT belfry_organization_team_members_pkey PRIMARY KEY (team_id, member_id),
          CONSTRAINT belfry_organization_team_members_team_id_fkey FOREIGN KEY (team_id, organization_id)
            REFERENCES belfry_organization_teams (id, organization_id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_team_members_member_id_fkey FOREIGN KEY (member_id, organization_id)
            REFERENCES belfry_organization_members (id, organization_id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_organization_team_members_member_id_team_id_idx
          ON belfry_organization_team_members (member_id, team_id)`,
        `CREATE TABLE belfry_organization_invitation_teams (
          invitation_id uuid NOT NULL,
          team_id uuid NOT NULL,
          organization_id uuid NOT NULL,
          role text COLLATE "C" NOT NULL,
          CONSTRAINT belfry_organization_invitation_teams_pkey PRIMARY KEY (invitation_id, team_id),
          CONSTRAINT belfry_organization_invitation_teams_invitation_id_fkey
            FOREIGN KEY (invitation_id) REFERENCES belfry_organization_invitations (id) ON DELETE CASCADE,
          CONSTRAINT belfry_organization_invitation_teams_team_id_fkey FOREIGN KEY (team_id, organization_id)
            REFERENCES belfry_organization_teams (id, organization_id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_organization_invitation_teams_team_id_idx ON belfry_organization_invitation_teams (team_id)`,
      ],
    },
    {
      name: "0005_role_holders",
      statements: [
        // Whoever has a role, in order: in an organization few sets of roles differ, and each is one range here.
        `CREATE INDEX belfry_organization_members_built_in_roles_idx
          ON belfry_organization_members (organization_id, built_in_roles, id)`,
        `CREATE INDEX belfry_organization_member_roles_role_id_member_id_idx
          ON belfry_organization_member_roles (role_id, member_id)`,
        `DROP INDEX belfry_organization_member_roles_role_id_idx`,
      ],
    },
    {
      name: "0006_versions",
      statements: [
        // How often an organization was locked for a change or changed: what was read holds while it stays.
        `ALTER TABLE belfry_organizations ADD COLUMN version int8 NOT NULL DEFAULT 0`,
      ],
    },
    {
      name: "0007_fewer_index_entries",
      statements: [
        // Whoever deletes a user looks for that user, and never for nobody.
        `DROP INDEX belfry_organization_invitations_inviter_id_idx`,
        `DROP INDEX belfry_organization_invitations_accepted_by_idx`,
        `CREATE INDEX belfry_organization_invitations_inviter_id_idx
          ON belfry_organization_invitations (inviter_id) WHERE inviter_id IS NOT NULL`,
        `CREATE INDEX belfry_organization_invitations_accepted_by_idx
          ON belfry_organization_invitations (accepted_by) WHERE accepted_by IS NOT NULL`,
      ],
    },
  ],
}
