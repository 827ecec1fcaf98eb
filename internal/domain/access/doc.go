// Package access answers one question: may this actor do this?
//
// A person (人员) belongs to a company (企业) and has roles (角色) there; a personal access token (个人访问令牌)
// acts as its person and may be narrowed to fewer actions. The answer comes from one table of actions
// and roles. It says nothing about which rows: that an actor sees only its own company's rows is the
// scope that every store method takes, and another company's id answers like an unknown one.
//
// It implements the roles of chapter 01 §9 and the seller's groups and permissions of chapter 20 A6. It
// must not look anything up: actor and action are all it knows.
package access
